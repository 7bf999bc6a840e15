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
        except CommandFailed as error:
            raise self._go_back_now(error) from None
        except Unreachable:
            raise self._gone_back() from None
        try:
            self.node.change(_DISARM)
        except CommandFailed:  # it was too late: the timer has struck
            raise self._gone_back() from None

    def _way_back(self) -> str:
        path = quote(self.path)
        if self.before.content is None:
            restore = f"rm -f {path}\n"
        else:
            text = self.before.content.decode("utf-8", "surrogateescape")
            restore = f"printf %s {quote(text)} >{path}\nchmod {self.before.mode} {path}\n"
        addresses = "".join(f"ip addr del {one} 2>/dev/null\n" for one in self.adds)
        return f"{restore}{addresses}netplan apply\n"

    def _go_back_now(self, error: CommandFailed) -> CommandFailed:
        try:
            self.node.change(f"{_DISARM.partition(' && ')[0]}; /bin/sh {_SCRIPT}", deadline_s=30)
        except (CommandFailed, Unreachable):
            return self._gone_back()
        return CommandFailed(f"{error} The old network was put back.")

    def _gone_back(self) -> CommandFailed:
        """Wait until the node has put its old network back, and say so."""
        until = time.monotonic() + PATIENCE_S + 15
        self.node.cluster.tell(f"{self.node.name}: cut off; the node puts its old network back within {PATIENCE_S} s")
        while True:
            try:
                self.node.reconnect()
                states = self.node.read(f"systemctl is-active {_UNIT}.timer {_UNIT}.service").out.split()
                gone = not {"active", "activating"} & set(states)
            except Unreachable as error:
                gone = False
                if time.monotonic() > until:
                    return CommandFailed(f"{self.node.name} is cut off since its network was changed: {error}")
            if gone:
                return CommandFailed(
                    f"the new network cut {self.node.name} off, so it put the old one back: "
                    "does SSH come in by that interface?"
                )
            time.sleep(1)
