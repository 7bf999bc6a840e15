"""A change of the network that cannot lock anyone out: the node itself goes back unless we confirm in time."""

import time
from dataclasses import dataclass, field
from shlex import quote

from cluster.errors import CommandFailed, Unreachable
from engine.change import UndoStep, WriteFile

PATIENCE_S = 45
"""How long the node waits for our word before it puts the old network back, in seconds."""

_UNIT = "spark-runbook-network"
_SCRIPT = "/run/spark-runbook/network-back.sh"

# Left on the node before anything is touched: it needs nobody's help to run.
_ARM = """\
set -eu
umask 077; mkdir -p /run/spark-runbook; cat >{script}
systemctl stop {unit}.timer {unit}.service 2>/dev/null || true
systemctl reset-failed {unit}.service 2>/dev/null || true
systemd-run --quiet --unit={unit} --on-active={seconds} --timer-property=AccuracySec=1s /bin/sh {script}
"""
_DISARM = f"systemctl stop {_UNIT}.timer && rm -f {_SCRIPT}"


@dataclass(eq=False)
class WriteNetplan(WriteFile):
    """Write a netplan file and apply it; `adds` are the ADDRESS/PREFIX dev INTERFACE that will be new on the node."""

    settle: str | None = "netplan apply"
    adds: list[str] = field(default_factory=list)
    root: bool = True

    def undo(self) -> list[UndoStep]:
        """Put the file back; addresses that only we brought have to go as well, netplan leaves them where they are."""
        gone = "; ".join(f"ip addr del {one} 2>/dev/null" for one in self.adds)
        return [{"do": "run", "command": f"{gone}; true", "root": True}] * bool(gone) + super().undo()

    def apply(self) -> None:
        """Arm the way back, write, apply, and confirm over a new connection.

        Raises:
            CommandFailed: The node could not be reached over the new network and has put the old one back.
        """
        arm = _ARM.format(script=_SCRIPT, unit=_UNIT, seconds=PATIENCE_S)
        self.node.change(arm, stdin=self._way_back().encode())
        super().apply()
        try:
            self.node.change("netplan apply", deadline_s=30)
            self.node.reconnect()
        except Unreachable:
            self._wait_for_the_way_back()
        self.node.change(_DISARM)

    def _way_back(self) -> str:
        path = quote(self.path)
        if self.before.content is None:
            restore = f"rm -f {path}\n"
        else:
            text = self.before.content.decode("utf-8", "surrogateescape")
            restore = f"printf %s {quote(text)} >{path}\nchmod {self.before.mode} {path}\n"
        addresses = "".join(f"ip addr del {one} 2>/dev/null\n" for one in self.adds)
        return f"{restore}{addresses}netplan apply\n"

    def _wait_for_the_way_back(self) -> None:
        self.node.cluster.tell(f"{self.node.name}: cut off; the node puts its old network back within {PATIENCE_S} s")
        time.sleep(PATIENCE_S + 5)
        try:
            self.node.reconnect()
        except Unreachable as error:
            raise CommandFailed(f"{self.node.name} cannot be reached since its network was changed: {error}") from None
        raise CommandFailed(
            f"the new network cut {self.node.name} off, so it put the old one back: does SSH come in by that interface?"
        )
