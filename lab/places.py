"""Where the lab keeps things: what is built once, and what one running lab owns."""

import fcntl
import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

DEFAULT_CACHE = Path("/var/cache/spark-runbook")
GLANCES = 5
"""How often a lock is tried: `is_running` itself holds it for an instant."""


@dataclass(frozen=True)
class NodeFiles:
    """One node's part of the run directory."""

    root: Path

    @property
    def merged(self) -> Path:
        """Where the node's overlay is mounted; an empty directory outside the supervisor's namespace."""
        return self.root / "root"

    @property
    def upper(self) -> Path:
        """What the node wrote over the shared tree."""
        return self.root / "upper"

    @property
    def work(self) -> Path:
        """The overlay's own work directory."""
        return self.root / "work"

    @property
    def docker(self) -> Path:
        """The node's /var/lib/docker: a plain directory, since overlay2 does not run on an overlay."""
        return self.root / "docker"

    @property
    def console(self) -> Path:
        """What the node printed while it booted."""
        return self.root / "console.log"


@dataclass(frozen=True)
class RunDir:
    """The run directory of one lab."""

    path: Path

    @property
    def settings(self) -> Path:
        """The lab's shape, written once by `up`."""
        return self.path / "lab.json"

    @property
    def ready(self) -> Path:
        """Exists once every node of the lab has answered."""
        return self.path / "ready"

    @property
    def supervisor(self) -> Path:
        """The process id of the supervisor's parent, which ends with it."""
        return self.path / "supervisor.pid"

    @property
    def log(self) -> Path:
        """What the supervisor printed."""
        return self.path / "supervisor.log"

    @property
    def driver(self) -> Path:
        """What nodes with real GPUs mount of this machine's driver."""
        return self.path / "driver"

    @property
    def key(self) -> Path:
        """The private key that nodes accept for the user nvidia."""
        return self.path / "key"

    @property
    def known_hosts(self) -> Path:
        """Host keys of all nodes, by management address."""
        return self.path / "known_hosts"

    @property
    def host_keys(self) -> Path:
        """Private host keys, one file a node."""
        return self.path / "host-keys"

    @property
    def nodes(self) -> Path:
        """One directory for each node."""
        return self.path / "nodes"

    @property
    def snapshots(self) -> Path:
        """One directory for each saved state."""
        return self.path / "snapshots"

    @property
    def mark(self) -> str:
        """Eight hexadecimal digits that tell this lab's cgroups from another's."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:8]

    def node(self, name: str) -> NodeFiles:
        """The files of one node."""
        return NodeFiles(self.nodes / name)


def cache_dir() -> Path:
    """The directory of built artefacts: $SPARK_RUNBOOK_CACHE, or /var/cache/spark-runbook."""
    return Path(os.environ.get("SPARK_RUNBOOK_CACHE") or DEFAULT_CACHE).absolute()


def run_dir() -> RunDir:
    """The lab this command is about: $SPARK_RUNBOOK_LAB, or `lab` in the cache."""
    return RunDir(Path(os.environ.get("SPARK_RUNBOOK_LAB") or cache_dir() / "lab").absolute())


def lock(path: Path, *, wait: bool) -> int | None:
    """Take the exclusive lock on a directory, which its holder keeps by keeping the descriptor open.

    Args:
        path: an existing directory.
        wait: whether to wait for the present holder.

    Returns:
        The descriptor, or None if another process holds the lock.

    Raises:
        LabError: if the directory cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise LabError(f"Cannot open {path}: {error.strerror}.") from error
    if wait:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor
    for _ in range(GLANCES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return descriptor
    os.close(descriptor)
    return None


def is_running(run: RunDir) -> bool:
    """Whether a supervisor holds this lab; needs no privilege."""
    if not run.path.is_dir():
        return False
    descriptor = os.open(run.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
