"""One run at a time may change a cluster: a lock on every node, held by the connection and gone with it."""

import getpass
import socket
from shlex import quote

from cluster.cluster import Cluster
from cluster.connection import HeldCommand
from cluster.errors import ClusterError
from cluster.node import Node
from cluster.session import CHANGING

PATIENCE_S = 30
"""How long what a killed run left working is waited for; most commands are given less."""

# The holder's name is written below the lock, for whoever comes second; `cat` ends when the connection does. A command
# of a run that was killed may work on for as long as it was given.
_HOLD = """\
mkdir -p /run/spark-runbook && exec 9>>/run/spark-runbook/lock || exit 1
flock -n 9 || {{ echo "held by $(cat /run/spark-runbook/holder 2>/dev/null)"; exit 0; }}
{{ flock -w {patience} 8 || {{ echo "held by a command that a run left working there"; exit 0; }}; }} 8>>{changing}
printf '%s\\n' {holder} >/run/spark-runbook/holder
echo locked; cat >/dev/null; rm -f /run/spark-runbook/holder"""


class Locked(ClusterError):
    """Another run is changing this cluster."""


class ClusterLock:
    """The lock on all nodes that answer and let us become root."""

    def __init__(self, cluster: Cluster) -> None:
        """Prepare to lock."""
        self._cluster = cluster
        self._holder = ""
        self._held: dict[Node, HeldCommand] = {}

    def acquire(self, run_id: str) -> None:
        """Lock all nodes for a run, or none.

        Raises:
            Locked: Another run holds one of them; the message names it.
        """
        self._holder = f"run {run_id} of {getpass.getuser()} on {socket.gethostname()}"
        self._cluster.locked = True
        nodes = [node for node in self._cluster.reached if node.has_root]
        self._held = dict(zip(nodes, self._cluster.on_all(self._hold, nodes), strict=True))
        for node, held in self._held.items():
            if held.first_line != "locked":
                self.release()
                raise self._refused(node, held)
        self._cluster.lock_again = self._hold_again

    def release(self) -> None:
        """Unlock."""
        self._cluster.lock_again = lambda _: None
        for held in self._held.values():
            held.release()
        self._held = {}
        self._cluster.locked = False

    def _hold(self, node: Node) -> HeldCommand:
        command = _HOLD.format(holder=quote(self._holder), changing=CHANGING, patience=PATIENCE_S)
        return node.hold(command, deadline_s=PATIENCE_S + node.deadline_s)

    def _hold_again(self, node: Node) -> None:
        """Lock a node anew whose lock went with its connection.

        Raises:
            Locked: Another run was quicker; the node is left to it.
        """
        if node not in self._held or self._held[node].runs:
            return
        held = self._hold(node)
        # A node that has not noticed yet that the old connection is gone keeps the lock for us.
        if held.first_line not in ("locked", f"held by {self._holder}"):
            refused = self._refused(node, held)
            node.trouble = str(refused)
            raise refused
        self._held[node] = held

    def _refused(self, node: Node, held: HeldCommand) -> Locked:
        who = held.first_line.removeprefix("held by ") or "another run"
        return Locked(f"{node.name} is being changed by {who}: wait until it has ended, or end it.")
