"""Breaking a lab, and putting it back as it was."""

import shutil
from typing import Final

from lab.control import ask
from lab.enter import run_in
from lab.errors import LabError
from lab.faults.fault import Fault
from lab.places import RunDir

BEFORE: Final = "before-fault"
"""The snapshot that `clear` goes back to."""


def inject(run: RunDir, faults: list[Fault], *, saves: bool) -> None:
    """Do what the faults say; `saves` keeps the lab as it is, for `clear`.

    Raises:
        LabError: the lab does not run, or a command failed in a node.
    """
    if saves:
        ask(run, "save", BEFORE)
    for fault in faults:
        for node, command in fault.breaks.items():
            run_in(run, node, command)
        for node, interface in fault.pulled:
            ask(run, "plug", node, interface, False)
        ask(run, "kill", list(fault.off))


def require_injected(run: RunDir) -> None:
    """Make sure that there is something to clear.

    Raises:
        LabError: no fault was injected, or it was cleared.
    """
    if not (run.snapshots / BEFORE).exists():
        raise LabError("No fault was injected, so there is nothing to clear.")


def forget(run: RunDir) -> None:
    """Remove what `clear` went back to."""
    shutil.rmtree(run.snapshots / BEFORE)
