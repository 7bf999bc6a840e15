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
STATE = "state.json"
MIRROR = (
    *("--archive", "--hard-links", "--acls", "--xattrs", "--numeric-ids", "--sparse", "--delete", "--whole-file"),
    # Times are compared to the nanosecond, or a file changed twice within a second would be taken for the same.
    "--modify-window=-1",
)


def save(run: RunDir, name: str, nodes: list[Node], cables: Cables) -> None:
    """Copy the disks of all nodes, frozen at one moment, and note cables and power.

    Raises:
        LabError: if a node cannot be frozen or the copy fails, for want of space for instance.
    """
    target = run.snapshots / name
    beside = run.snapshots / f"{name}.new"
    shutil.rmtree(beside, ignore_errors=True)
    if target.exists():
        # What it shares with the disks of today need not be copied again.
        target.rename(beside)
        (beside / STATE).unlink(missing_ok=True)
    frozen: list[Node] = []
    try:
        for node in filter(lambda node: node.is_on, nodes):
            node.cgroups.freeze()
            frozen.append(node)
        _mirror((node.files.root / disk, beside / node.name / disk) for node in nodes for disk in DISKS)
    finally:
        for node in frozen:
            node.cgroups.thaw()
    state = {"plugged": sorted(cables.plugged), "powered": sorted(cables.powered)}
    (beside / STATE).write_text(json.dumps(state) + "\n")
    beside.rename(target)


def restore(run: RunDir, name: str, nodes: list[Node]) -> Cables:
    """Put the saved disks in place of the present ones; all nodes must be off.

    Returns:
        Cables and power as they were when the snapshot was taken.

    Raises:
        LabError: if there is no such snapshot, or the copy fails.
    """
    source = run.snapshots / name
    state = json.loads((source / STATE).read_text())
    for node in nodes:
        node.unmount()
    _mirror((source / node.name / disk, node.files.root / disk) for node in nodes for disk in DISKS)
    for node in nodes:
        node.mount()
    return Cables(len(nodes), {(number, interface) for number, interface in state["plugged"]}, set(state["powered"]))


def require(run: RunDir, name: str) -> None:
    """Make sure that a snapshot exists.

    Raises:
        LabError: if it does not, naming those that do.
    """
    if not (run.snapshots / name / STATE).exists():
        there = ", ".join(sorted(path.name for path in run.snapshots.glob("*"))) or "none"
        raise LabError(f"There is no snapshot {name!r}; saved so far: {there}.")


def _mirror(pairs: Iterable[tuple[Path, Path]]) -> None:
    """Make directories like others, all side by side, touching only what differs.

    rsync keeps what overlayfs and Docker's overlay2 live on: hard links, whiteouts and trusted.* attributes. Removing
    all and copying anew would take ten times as long: ext4 is slow to make files where it has just removed as many.
    """
    copies = []
    for source, target in pairs:
        target.mkdir(parents=True, exist_ok=True)
        command = ["rsync", *MIRROR, f"{source}/", f"{target}/"]
        copies.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    complaints = [said for copy in copies if (said := copy.communicate()[1]) and copy.returncode]
    if complaints:
        raise LabError(f"Copying the nodes' disks failed: {complaints[0].strip().splitlines()[0]}")
