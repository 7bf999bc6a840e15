"""A control group for every node, on cgroup v1, v2 and the hybrid of both."""

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.places import RunDir


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup hierarchy.

    Attributes:
        mount: where it is mounted.
        controllers: its v1 controllers (or `name=systemd`); empty for v2.
    """

    mount: Path
    controllers: frozenset[str]

    @property
    def unified(self) -> bool:
        """Whether this is cgroup v2."""
        return not self.controllers


def parse_hierarchies(mountinfo: str) -> list[Hierarchy]:
    """The cgroup hierarchies in the text of /proc/self/mountinfo, each once (see proc(5))."""
    found: dict[frozenset[str], Hierarchy] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2":
            controllers: frozenset[str] = frozenset()
        elif kind == "cgroup":
            controllers = frozenset(option for option in options.split(",") if _is_controller(option))
        else:
            continue
        found.setdefault(controllers, Hierarchy(Path(before.split()[4]), controllers))
    return list(found.values())


def _is_controller(option: str) -> bool:
    return option not in {"rw", "ro", "xattr", "clone_children"} and not option.startswith("release_agent=")


def hierarchies() -> list[Hierarchy]:
    """The cgroup hierarchies of this machine."""
    return parse_hierarchies(Path("/proc/self/mountinfo").read_text())


def is_legacy() -> bool:
    """Whether controllers are on cgroup v1, so that systemd 257 has to be told to accept it."""
    return any(not hierarchy.unified for hierarchy in hierarchies())


class NodeCgroups:
    """The control groups of one node: a directory in every hierarchy, with a fresh one in it for every boot."""

    def __init__(self, run: RunDir, node: str) -> None:
        """Name them; `make` creates them."""
        self._top = f"spark-runbook-{run.mark}"
        self._node = node

    def make(self, boot: int) -> list[Path]:
        """Create the groups of one boot, with every controller that the kernel lets us pass down.

        Returns:
            One directory in every hierarchy, for `join`. No process is ever in the node's own directory, above them:
            cgroup v2 allows processes in leaves alone.
        """
        made = []
        for hierarchy in hierarchies():
            top = hierarchy.mount / self._top
            node = top / self._node
            leaf = node / f"boot{boot}"
            for directory in (top, node, leaf):
                directory.mkdir(exist_ok=True)
                if "cpuset" in hierarchy.controllers:
                    # A new v1 cpuset is empty, and no process may enter an empty one.
                    for setting in ("cpuset.cpus", "cpuset.mems"):
                        (directory / setting).write_text((directory.parent / setting).read_text())
            if hierarchy.unified:
                _pass_down(hierarchy.mount, top, node)
            made.append(leaf)
        return made

    def directories(self) -> list[Path]:
        """The node's directory in every hierarchy."""
        return [hierarchy.mount / self._top / self._node for hierarchy in hierarchies()]

    def occupied(self) -> bool:
        """Whether any process is in the groups, or in a group below."""
        for directory in self.directories():
            for processes in directory.rglob("cgroup.procs"):
                # A group may go while we look: then nobody is in it.
                with contextlib.suppress(FileNotFoundError):
                    if processes.read_text():
                        return True
        return False

    def freeze(self) -> None:
        """Stop every process of the node where it stands, and wait until all have stopped.

        Raises:
            LabError: if they have not within 20 s.
        """
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            _set_frozen(*self._freezer(), frozen=True)
            if self._is_frozen_within(1):
                return
            # One that waits in the kernel for another that has stopped already never stops: let both get past it.
            self.thaw()
            time.sleep(0.05)
        raise LabError(f"{self._node} could not be frozen within 20 s; try again when it is less busy.")

    def _is_frozen_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not (frozen := self._is_frozen()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return frozen

    def thaw(self) -> None:
        """Let the node's processes run on."""
        _set_frozen(*self._freezer(), frozen=False)

    def thaw_all(self) -> None:
        """Let all run on, so that it can end: also what the node has frozen by itself, as `docker pause` does.

        On cgroup v1 a frozen process cannot be ended, not even by the kernel.
        """
        top, unified = self._freezer()
        for directory in (top, *top.rglob("*/")):
            # A group may go while we look: then nobody is in it.
            with contextlib.suppress(OSError):
                _set_frozen(directory, unified, frozen=False)

    def _freezer(self) -> tuple[Path, bool]:
        for hierarchy in hierarchies():
            if "freezer" in hierarchy.controllers:
                return hierarchy.mount / self._top / self._node, False
        unified = next(hierarchy for hierarchy in hierarchies() if hierarchy.unified)
        return unified.mount / self._top / self._node, True

    def _is_frozen(self) -> bool:
        directory, unified = self._freezer()
        if unified:
            return "frozen 1" in (directory / "cgroup.events").read_text()
        return (directory / "freezer.state").read_text().strip() == "FROZEN"


def _set_frozen(directory: Path, unified: bool, *, frozen: bool) -> None:
    if unified:
        (directory / "cgroup.freeze").write_text("1" if frozen else "0")
    else:
        (directory / "freezer.state").write_text("FROZEN" if frozen else "THAWED")


def join(groups: Iterable[Path]) -> None:
    """Move the calling process into control groups."""
    for group in groups:
        (group / "cgroup.procs").write_text("0")


def cgroups_of(pid: int) -> list[Path]:
    """The directories of the control groups that a process is in."""
    mounts = {hierarchy.controllers: hierarchy.mount for hierarchy in hierarchies()}
    found = []
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        mount = mounts.get(frozenset(filter(None, controllers.split(","))))
        if mount is not None:
            found.append(mount / path.lstrip("/"))
    return found


def thaw(run: RunDir) -> None:
    """Let all processes of a lab run on, so that they can end.

    One whose supervisor was killed while it copied disks has frozen ones, and so has a node with a paused container.
    """
    tops = [hierarchy.mount / f"spark-runbook-{run.mark}" for hierarchy in hierarchies()]
    for node in {directory.name for top in tops for directory in top.glob("*/")}:
        NodeCgroups(run, node).thaw_all()


def sweep(run: RunDir) -> None:
    """Remove what a lab that has ended left in the cgroup hierarchies.

    Raises:
        LabError: if a group is still busy after 10 s.
    """
    deadline = time.monotonic() + 10
    while left := [top for h in hierarchies() if (top := h.mount / f"spark-runbook-{run.mark}").exists()]:
        if time.monotonic() > deadline:
            raise LabError(f"Processes are still in {left[0]}; end them and run: python -m lab down")
        for top in left:
            _remove(top)
        time.sleep(0.02)


def _remove(top: Path) -> None:
    directories: Iterable[Path] = sorted(top.rglob("*/"), key=lambda path: len(path.parts), reverse=True)
    for directory in (*directories, top):
        # Busy groups are tried again by the caller; files in a group go with it.
        with contextlib.suppress(OSError):
            directory.rmdir()


def _pass_down(*directories: Path) -> None:
    for directory in directories:
        for controller in (directory / "cgroup.controllers").read_text().split():
            # A container's own root group holds processes, and then passes nothing down: nodes run without limits.
            with contextlib.suppress(OSError):
                (directory / "cgroup.subtree_control").write_text(f"+{controller}")
