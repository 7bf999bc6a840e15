"""Ending a lab, and removing what one that was killed has left."""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

from lab import cgroups, links, places
from lab.addresses import host_link
from lab.errors import LabError
from lab.places import RunDir
from lab.settings import read_settings

BUSY = "Another command is starting or ending the lab in {}; try again in a moment."

LIMIT = 30.0
"""Seconds until everything of a killed lab must be gone."""


def require_ours(run: RunDir) -> None:
    """Make sure that the run directory, which `down` removes, holds nothing but a lab.

    Raises:
        LabError: if it is something else.
    """
    if run.path.is_dir() and any(run.path.iterdir()) and not run.settings.exists():
        raise LabError(f"{run.path} is not a lab's directory; set SPARK_RUNBOOK_LAB to one that is empty or new.")


def end(run: RunDir) -> None:
    """Take a lab down: afterwards no process, mount, namespace, interface, control group or file of it is left.

    Raises:
        LabError: if something does not go.
    """
    require_ours(run)
    if not run.path.is_dir():
        return
    if places.is_running(run):
        _kill_supervisor(run)
    # Not even the kernel can end what is frozen.
    cgroups.thaw(run)
    lock = _await_lock(run)
    try:
        _await_link_gone(run)
        sweep(run)
        run.path.rmdir()
    finally:
        os.close(lock)


def sweep(run: RunDir) -> None:
    """Remove control groups and files of a lab whose supervisor has ended; the caller holds its lock."""
    cgroups.thaw(run)
    cgroups.sweep(run)
    # The settings say whose directory this is, so they go last.
    for path in sorted(run.path.iterdir(), key=lambda path: path == run.settings):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _kill_supervisor(run: RunDir) -> None:
    """Kill process 1 of the lab's namespace, and the kernel ends the rest."""
    try:
        parent = int(run.supervisor.read_text())
        arguments = Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        arguments = []
    if str(run.path).encode() not in arguments:
        raise LabError(BUSY.format(run.path))
    with contextlib.suppress(ProcessLookupError):
        os.kill(parent, signal.SIGKILL)


def _await_lock(run: RunDir) -> int:
    deadline = time.monotonic() + LIMIT
    while (lock := places.lock(run.path, wait=False)) is None:
        if time.monotonic() > deadline:
            raise LabError(f"The lab in {run.path} does not end; see the processes of `python -m lab.supervisor`.")
        time.sleep(0.05)
    return lock


def _await_link_gone(run: RunDir) -> None:
    """The kernel takes network namespaces down in its own time; the host's link goes with them."""
    try:
        name = host_link(read_settings(run).network)
    except LabError:
        return
    deadline = time.monotonic() + LIMIT
    while links.link_exists(name):
        if time.monotonic() > deadline:
            raise LabError(f"The interface {name} of the lab does not go; remove it: ip link delete {name}")
        time.sleep(0.05)
