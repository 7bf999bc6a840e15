"""All faults by name."""

from typing import Final

from lab.errors import LabError
from lab.faults import docker, gpus, network, nodes, swarm, work
from lab.faults.fault import Fault

FAULTS: Final[dict[str, Fault]] = {
    fault.name: fault for subject in (nodes, network, docker, gpus, swarm, work) for fault in subject.FAULTS
}


def find(name: str) -> Fault:
    """Look a fault up.

    Raises:
        LabError: there is none of that name.
    """
    if name not in FAULTS:
        raise LabError(f"There is no fault {name!r}; those there are: python -m lab fault list")
    return FAULTS[name]


def table() -> str:
    """All faults, a line each: name, the check that has to name it, who repairs it, and what happened."""
    rows = [(fault.name, fault.check, _repair(fault), fault.story) for fault in FAULTS.values()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(word.ljust(width) for word, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    )


def _repair(fault: Fault) -> str:
    return " ".join([fault.repaired_by, *(f"--allow {flag}" for flag in fault.allow)])
