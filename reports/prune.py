"""Which old runs could go, and why the others stay."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.history import RUN_FOLDER

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
    named = (path for path in out.iterdir() if RUN_FOLDER.fullmatch(path.name))
    folders = sorted((path for path in named if path.is_dir() and not path.is_symlink()), reverse=True)
    latest = (out / "latest").resolve()
    # The newest for each set of nodes: several clusters may have their reports in one folder.
    last_ready = {_nodes(folder): folder for folder in reversed(folders) if (folder / "state.json").exists()}
    kept = (latest, frozenset(last_ready.values()))
    return [
        Run(folder, _size(folder), _reason(folder, newest=place < keep, undoable=undoable, kept=kept))
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


def _reason(folder: Path, *, newest: bool, undoable: bool, kept: tuple[Path, frozenset[Path]]) -> str | None:
    latest, last_ready = kept
    if newest:
        return "it is one of the newest"
    if folder.resolve() == latest:
        return "it is the latest"
    if folder in last_ready:
        return "the diagnosis compares with it: the cluster was last ready then"
    if (folder / "journal.jsonl").exists() and not undoable:
        return "its changes can be taken back by it (--undoable removes it all the same)"
    return None


def _nodes(folder: Path) -> frozenset[str]:
    try:
        return frozenset(json.loads((folder / "state.json").read_text(encoding="utf-8"))["nodes"])
    except (OSError, ValueError, LookupError, TypeError):
        return frozenset()


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))
