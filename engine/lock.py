"""One run at a time may change a cluster: a lock on every node, held by the connection and gone with it."""

import getpass
import socket
from shlex import quote

from cluster.cluster import Cluster
from cluster.connection import Held
from cluster.errors import ClusterError
from cluster.node import Node

# The holder's name is written below the lock, for whoever comes second; `cat` ends when the connection does.
_HOLD = """\
mkdir -p /run/spark-runbook && exec 9>>/run/spark-runbook/lock || exit 1
flock -n 9 || {{ echo "held by $(cat /run/spark-runbook/holder 2>/dev/null)"; exit 0; }}
printf '%s\\n' {holder} >/run/spark-runbook/holder
echo locked; cat >/dev/null; rm -f /run/spark-runbook/holder"""


class Locked(ClusterError):
    """Another run is changing this cluster."""


class ClusterLock:
    """The lock on all nodes that answer and let us become root."""

    def __init__(self, cluster: Cluster, run_id: str) -> None:
        """Prepare to lock for a run."""
        self._cluster = cluster
        self._holder = f"run {run_id} of {getpass.getuser()} on {socket.gethostname()}"
        self._held: list[Held] = []

    def acquire(self) -> None:
        """Lock all nodes or none.

        Raises:
            Locked: Another run holds one of them; the message names it.
        """
        self._cluster.locked = True
        nodes = [node for node in self._cluster.reached if node.has_root]
        self._held = self._cluster.on_all(self._hold, nodes)
        for node, held in zip(nodes, self._held, strict=True):
            if held.first_line != "locked":
                self.release()
                who = held.first_line.removeprefix("held by ") or "another run"
                raise Locked(f"{node.name} is being changed by {who}: wait until it has ended, or end it.")

    def release(self) -> None:
        """Unlock."""
        for held in self._held:
            held.release()
        self._held = []
        self._cluster.locked = False

    def _hold(self, node: Node) -> Held:
        return node.hold(_HOLD.format(holder=quote(self._holder)))
