"""Which old runs could go, and why the others stay."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.history import RUNS

KEPT = 50
"""So many of the newest runs stay unless somebody says otherwise."""


@dataclass(frozen=True)
class Run:
    """The folder of a run, its size in bytes, and why it stays; None where it could go."""

    folder: Path
    size: int
    stays: str | None


def judge(out: Path, keep: int, *, undoable: bool) -> list[Run]:
    """Say of every run in a folder, newest first, whether it could go.

    With `undoable` even those could whose changes can still be taken back.
    """
    folders = sorted((path for path in out.glob(RUNS) if path.is_dir() and not path.is_symlink()), reverse=True)
    latest = (out / "latest").resolve()
    last_ready = next((folder for folder in folders if (folder / "state.json").exists()), None)
    return [
        Run(folder, _size(folder), _reason(folder, newest=place < keep, undoable=undoable, kept=(latest, last_ready)))
        for place, folder in enumerate(folders)
    ]


def remove(runs: Sequence[Run]) -> None:
    """Remove the runs that could go.

    Raises:
        OSError: one of them could not be removed.
    """
    for run in runs:
        if run.stays is None:
            shutil.rmtree(run.folder)


def _reason(folder: Path, *, newest: bool, undoable: bool, kept: tuple[Path, Path | None]) -> str | None:
    latest, last_ready = kept
    if newest:
        return "it is one of the newest"
    if folder.resolve() == latest:
        return "it is the latest"
    if folder == last_ready:
        return "the diagnosis compares with it: the cluster was last ready then"
    if (folder / "journal.jsonl").exists() and not undoable:
        return "its changes can be taken back by it (--undoable removes it all the same)"
    return None


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))
