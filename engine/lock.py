"""One run at a time may change a cluster: a lock on every node, held by the connection and gone with it."""

import getpass
import os
import socket
import time
from shlex import quote

from cluster.cluster import Cluster
from cluster.connection import HeldCommand
from cluster.errors import ClusterError
from cluster.node import Node
from cluster.session import CHANGING
from cluster.threads import begin

PATIENCE_S = 30
"""How long what a killed run left working is waited for; most commands are given less."""

BEAT_S = 30.0
SILENCE_S = 300
"""A holder that has sent nothing for so long is gone, with its power or its network, and so is its lock."""

TAKE_OVER_S = 5

# The holder's name is written below the lock, for whoever comes second, and the process that holds it. That one ends
# with the connection, or when it hears no more of us. A node that has not noticed yet that our connection is gone keeps
# the lock for us, and what holds it there, which could end at any time, makes room for a new one. A command of a run
# that was killed may work on for as long as it was given.
_HOLD = """\
why=$(mkdir -p {folder} 2>&1 && touch {folder}/lock 2>&1) || {{ echo "no lock: $why"; exit 0; }}
exec 9>>{folder}/lock || exit 1
holder= pid=
flock -n 9 || {{
{{ read -r holder; read -r pid; }} 2>/dev/null <{folder}/holder
test "$holder" = {mine} && test "$(readlink "/proc/$pid/fd/9")" = {folder}/lock && kill "$pid" && flock -w {again} 9
}} || {{ echo "held by $(head -n 1 {folder}/holder 2>/dev/null)"; exit 0; }}
test -n "$pid" || {{
flock -w {patience} 8 || {{ echo "held by a command that a run left working there"; exit 0; }}
}} 8>>{changing}
printf '%s\\n%s\\n' {holder} $$ >{folder}/holder
echo locked
while test -n "$(exec 9>&- 2>/dev/null; exec timeout {silence} head -n 1)"; do :; done
rm -f {folder}/holder"""
_FOLDER = "/run/spark-runbook"


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
        self._holder = f"run {run_id} of {_user()} on {socket.gethostname()}"
        self._cluster.locked = True
        nodes = [node for node in self._cluster.reached if node.has_root]
        self._held = dict(zip(nodes, self._cluster.on_all(self._hold, nodes), strict=True))
        for node, held in self._held.items():
            if held.first_line != "locked":
                self.release()
                raise self._refused(node, held)
        for node, held in self._held.items():
            self._keep_up(node, held)
        self._cluster.lock_again = self._hold_again
        self._cluster.see_locked = self._see_locked

    def release(self) -> None:
        """Unlock."""
        self._cluster.lock_again = self._cluster.see_locked = lambda _: None
        for held in self._held.values():
            held.release()
        self._held = {}
        self._cluster.locked = False

    def _hold(self, node: Node, *, again: bool = False) -> HeldCommand:
        command = _HOLD.format(
            folder=_FOLDER,
            holder=quote(self._holder),
            mine=quote(self._holder if again else ""),
            changing=CHANGING,
            patience=PATIENCE_S,
            again=TAKE_OVER_S,
            silence=SILENCE_S,
        )
        return node.hold(command, deadline_s=PATIENCE_S + TAKE_OVER_S + node.deadline_s)

    def _keep_up(self, node: Node, held: HeldCommand) -> None:
        """Let the node hear of us; each by a thread of its own, since one may get stuck where a node is off."""

        def beat() -> None:
            while self._held.get(node) is held and held.runs:
                held.beat()
                time.sleep(BEAT_S)

        begin(beat)

    def _hold_again(self, node: Node) -> None:
        """Let the new connection hold the lock: the one before may be gone, or go, without a word.

        Raises:
            Locked: Another run was quicker; the node is left to it.
        """
        if node not in self._held:
            return
        before, until = self._held[node], time.monotonic() + TAKE_OVER_S
        # What held it for us may be about to end by itself.
        while (held := self._hold(node, again=True)).first_line in ("held by", f"held by {self._holder}"):
            if time.monotonic() > until:
                break
            time.sleep(0.5)
        if held.first_line != "locked":
            refused = self._refused(node, held)
            node.trouble = str(refused)
            raise refused
        self._held[node] = held
        self._keep_up(node, held)
        begin(before.release)  # where the connection is gone, nobody answers to it

    def _see_locked(self, node: Node) -> None:
        """Refuse to change a node that is not locked any more.

        Raises:
            Locked: What held the lock there has ended.
            Unreachable: It went with the connection.
        """
        if node not in self._held or self._held[node].runs:
            return
        node.read("true")
        raise Locked(
            f"{node.name} is not locked by this run any more, so another one may have changed it: start this one again."
        )

    def _refused(self, node: Node, held: HeldCommand) -> Locked:
        if held.first_line.startswith("no lock: "):
            why = held.first_line.removeprefix("no lock: ")
            return Locked(
                f"{node.name} cannot be locked ({why}): put {_FOLDER} right there, which a reboot makes anew."
            )
        who = held.first_line.removeprefix("held by").strip() or "another run"
        return Locked(f"{node.name} is being changed by {who}: wait until it has ended, or end it.")


def _user() -> str:
    """Name who runs us, or their number where nobody has it: in a container of a CI for instance."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
