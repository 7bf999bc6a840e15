"""A change of the network that cannot lock anyone out: the node itself goes back unless we confirm in time."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from shlex import quote

from cluster.errors import ClusterError, CommandFailed, Unreachable
from engine import dead_man
from engine.change import Flag, WriteFile
from engine.undo_step import UndoCommand, UndoStep

ADDRESS_PATIENCE_S = 15
"""NetworkManager, which `netplan apply` starts and does not wait for, takes some seconds to set addresses."""
_POLL_S = 0.5
APPLY_NETPLAN = "netplan apply"


@dataclass(eq=False, kw_only=True)
class WriteNetplan(WriteFile):
    """Write a netplan file and apply it.

    `takes_back` are the commands for what netplan leaves on an interface when the file goes: addresses, and the MTU;
    `awaited` are the addresses that it is to give, by interface.
    """

    taken_up_by: str | None = APPLY_NETPLAN
    takes_back: list[str] = field(default_factory=list)
    undo_asks: Flag | None = "leave-swarm"
    awaited: Mapping[str, IPv4Interface] = field(default_factory=dict)

    def describe(self) -> str:
        """Show the difference, if there is one, and the command that makes it hold."""
        same = self.before.content == self.content and self.before.mode in (None, f"{self.mode or 0:o}")
        return "\n".join([*([] if same else [super().describe()]), f"{self.node.name}$ sudo netplan apply"])

    def undo(self) -> list[UndoStep]:
        """Put the file back, and the interfaces as they were."""
        back = "; ".join(f"{command} 2>/dev/null" for command in self.takes_back)
        return [UndoCommand(f"{back}; true", root=True)] * bool(back) + super().undo()

    def apply(self) -> None:
        """Arm the way back, write, apply, and confirm over a new connection.

        Raises:
            CommandFailed: The node could not be reached over the new network and has put the old one back.
        """
        armed_at = time.monotonic()
        dead_man.arm(self.node, self._way_back())
        try:
            super().apply()
        except ClusterError:
            # Nothing was written, and what somebody has edited meanwhile shall stay.
            with suppress(ClusterError):
                dead_man.disarm(self.node)
            raise
        try:
            self.node.change(APPLY_NETPLAN, deadline_s=30)
        except CommandFailed as error:
            raise self._go_back_now(error) from None
        except Unreachable:
            raise self._gone_back() from None
        try:
            self._reach(armed_at)
            dead_man.disarm(self.node)
        except (CommandFailed, Unreachable):
            raise self._gone_back() from None

    def _reach(self, armed_at: float) -> None:
        """Come in anew and wait for the addresses; both take seconds by Wi-Fi, or where a name is found by mDNS."""
        until = armed_at + dead_man.PATIENCE_S * 2 / 3
        while True:
            try:
                self.node.reconnect()
                self._wait_for_addresses(armed_at + dead_man.PATIENCE_S - 5 - time.monotonic())
            except Unreachable:
                if time.monotonic() > until:
                    raise
                time.sleep(_POLL_S)
            else:
                return

    def _wait_for_addresses(self, left_s: float) -> None:
        """Wait until the addresses are there; where they do not come, whoever checks again tells it better."""
        patience = max(0.0, min(ADDRESS_PATIENCE_S, left_s))
        there = " && ".join(
            f"ip -o -4 addr show dev {quote(name)} | grep -qF ' {address} '" for name, address in self.awaited.items()
        )
        tries = int(patience / _POLL_S)
        if not there or not tries:
            return
        command = f"for n in $(seq {tries}); do {{ {there}; }} && break; sleep {_POLL_S}; done"
        if self.node.read(command, deadline_s=patience + 5).exit is None:
            raise Unreachable(f"{self.node.name} fell silent when its network had been changed")

    def _way_back(self) -> str:
        path = quote(self.path)
        if self.before.content is None:
            restore = f"rm -f {path}\n"
        else:
            text = self.before.content.decode("utf-8", "surrogateescape")
            restore = f"printf %s {quote(text)} >{path}\nchmod {self.before.mode} {path}\n"
        interfaces = "".join(f"{command} 2>/dev/null\n" for command in self.takes_back)
        return f"{restore}{interfaces}netplan apply\n"

    def _go_back_now(self, error: CommandFailed) -> CommandFailed:
        try:
            dead_man.strike(self.node)
        except ClusterError:
            return self._gone_back()
        return CommandFailed(f"{error} The old network was put back.")

    def _gone_back(self) -> CommandFailed:
        """Wait until the node has put its old network back, and say so."""
        name, patience = self.node.name, dead_man.PATIENCE_S
        self.node.cluster.tell(f"{name}: cut off; the node puts its old network back within {patience} s")
        if trouble := dead_man.wait_until_struck(self.node):
            return CommandFailed(f"{name} has not got its network back since it was changed: {trouble}")
        return CommandFailed(
            f"the new network cut {name} off, so it put the old one back: does SSH come in by that interface?"
        )
