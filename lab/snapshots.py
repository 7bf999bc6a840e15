"""Saving and restoring the disks of all nodes."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab.cables import Cables
from lab.errors import LabError
from lab.node import Node
from lab.places import RunDir

DISKS = ("upper", "docker")


def save(run: RunDir, name: str, nodes: list[Node], cables: Cables) -> None:
    """Copy the disks of all nodes, frozen at one moment, and note cables and power.

    Raises:
        LabError: if a node cannot be frozen or the copy fails, for want of space for instance.
    """
    target = run.snapshots / name
    beside = run.snapshots / f"{name}.new"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    frozen: list[Node] = []
    try:
        for node in filter(lambda node: node.is_on, nodes):
            node.cgroups.freeze()
            frozen.append(node)
        _copy((node.files.root / disk, beside / node.name / disk) for node in nodes for disk in DISKS)
    finally:
        for node in frozen:
            node.cgroups.thaw()
    state = {"plugged": sorted(cables.plugged), "powered": sorted(cables.powered)}
    (beside / "state.json").write_text(json.dumps(state) + "\n")
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)


def restore(run: RunDir, name: str, nodes: list[Node]) -> Cables:
    """Put the saved disks in place of the present ones; all nodes must be off.

    Returns:
        Cables and power as they were when the snapshot was taken.

    Raises:
        LabError: if there is no such snapshot, or the copy fails.
    """
    source = run.snapshots / name
    state = json.loads((source / "state.json").read_text())
    for node in nodes:
        node.unmount()
        for disk in DISKS:
            shutil.rmtree(node.files.root / disk)
    _copy((source / node.name / disk, node.files.root / disk) for node in nodes for disk in DISKS)
    for node in nodes:
        node.mount()
    return Cables(len(nodes), {(number, interface) for number, interface in state["plugged"]}, set(state["powered"]))


def require(run: RunDir, name: str) -> None:
    """Make sure that a snapshot exists.

    Raises:
        LabError: if it does not, naming those that do.
    """
    if not (run.snapshots / name / "state.json").exists():
        there = ", ".join(sorted(path.name for path in run.snapshots.glob("*"))) or "none"
        raise LabError(f"There is no snapshot {name!r}; saved so far: {there}.")


def _copy(pairs: Iterable[tuple[Path, Path]]) -> None:
    """Copy directories with cp, which keeps what overlay2 lives on: hard links, whiteouts and trusted.* attributes."""
    copies = []
    for source, target in pairs:
        target.parent.mkdir(parents=True, exist_ok=True)
        command = ["cp", "--archive", "--reflink=auto", str(source), str(target)]
        copies.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    failures = [errors for errors in (copy.communicate()[1] for copy in copies) if errors]
    if failures:
        raise LabError(f"Copying the nodes' disks failed: {failures[0].strip().splitlines()[-1]}")
