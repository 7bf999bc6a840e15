"""Building an artefact once, whole or not at all, however many labs ask for it."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from lab import places
from lab.errors import LabError
from lab.progress import Step, step

EPOCH = 1767225600
"""2026-01-01 in seconds, as reproducible builds mean it: https://reproducible-builds.org/specs/source-date-epoch/."""


def recipe_key(*parts: str) -> str:
    """Twelve hexadecimal digits that change with any part of a recipe."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def once(target: Path, title: str, expected: str, make: Callable[[Path, Step], None]) -> Path:
    """Return an artefact of the cache, building it first if it is not there.

    It is built in a directory beside and renamed, so that a build killed half-way is never taken for whole; what such a
    build left is removed by the next.

    Args:
        target: where the artefact belongs, a file or a directory directly in the cache.
        title: what it is, for the progress line.
        expected: how long building usually takes, in words.
        make: builds it at the path it is given, inside a scratch directory of its own.
    """
    if target.exists():
        return target
    cache = target.parent
    cache.mkdir(parents=True, exist_ok=True)
    lock = places.lock(cache, wait=False)
    if lock is None:
        print(f"{title}: waiting for another build in {cache}", file=sys.stderr, flush=True)
        lock = places.lock(cache, wait=True)
    assert lock is not None
    try:
        if not target.exists():
            scratch = cache / "building"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            with step(title, expected) as work:
                make(scratch / target.name, work)
            (scratch / target.name).rename(target)
            shutil.rmtree(scratch)
    finally:
        os.close(lock)
    return target


def follow(command: Sequence[str], work: Step, stages: Callable[[str], str | None], scratch: Path) -> None:
    """Run a long command, telling its stages as it prints them.

    It runs in mount and process namespaces of its own and ends with us, so that neither mounts nor processes are left
    of a build that is killed. No file it packs is newer than EPOCH, so that the same packages give the same bytes.

    Args:
        command: program and arguments.
        work: where to tell progress.
        stages: gives the stage that a line of output announces, or None.
        scratch: a directory for its temporary files.

    Raises:
        LabError: if it fails, with the end of what it printed.
    """
    inside = [
        "setpriv",
        "--pdeathsig=KILL",
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        *command,
    ]
    environment = {**os.environ, "TMPDIR": str(scratch), "SOURCE_DATE_EPOCH": str(EPOCH)}
    lines: list[str] = []
    with subprocess.Popen(
        inside, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if stage := stages(line.strip()):
                work.say(stage)
    if process.returncode:
        raise LabError(f"`{command[0]}` failed with status {process.returncode}:\n" + "\n".join(lines[-15:]))
