"""Step 1: which peers a node reaches over the fabric, by ping and by SSH."""

from typing import TYPE_CHECKING

from cluster.facts.base import Facts, Reading, fact

if TYPE_CHECKING:
    from cluster.node import Node


def _by_address(reading: Reading) -> dict[str, str]:
    found = {}
    for line in reading.out.splitlines():
        address, _, word = line.partition(" ")
        if address and word:
            found[address] = word.strip()
    return found


_PING = "ping -n -q -c 1 -W 2"


def _pings(node: "Node") -> str:
    plan = node.cluster.fabric
    mine = plan.of(node.name)
    pairs = [
        (interface, address.ip)
        for peer in node.cluster.peers(node)
        for interface, address in plan.of(peer.name).items()
        if interface in mine
    ]
    each = "".join(
        f"({_PING} -I {mine[interface].ip} {peer} >/dev/null 2>&1 && echo {peer} reached || echo {peer} lost) &\n"
        for interface, peer in pairs
    )
    return each + "wait"


# No file of the node is written: no key is asked for, none is learned.
_SSH = "ssh -n -o BatchMode=yes -o ConnectTimeout=4 -o StrictHostKeyChecking=yes -o UpdateHostKeys=no"


def _logins(node: "Node") -> str:
    plan = node.cluster.fabric
    doors = [
        (peer.login.user, address.ip)
        for peer in node.cluster.peers(node)
        if peer.trouble is None
        for address in plan.of(peer.name).values()
    ]
    each = "".join(
        f'(said=$({_SSH} {user}@{ip} true 2>&1) && echo {ip} open || echo {ip} "$(echo "$said" | tail -n 1)") &\n'
        for user, ip in doors
    )
    return each + "wait"


class MeshFacts(Facts):
    """Every peer's fabric address, with `reached` or `lost` for ping, `open` or ssh's own words for a login."""

    pings: dict[str, str] = fact(_pings, _by_address, root=True, timeout_s=20)
    logins: dict[str, str] = fact(_logins, _by_address, timeout_s=20)

    @property
    def lost(self) -> tuple[str, ...]:
        """The peers' addresses that do not answer a ping."""
        return tuple(address for address, answer in self.pings.items() if answer != "reached")

    @property
    def closed(self) -> dict[str, str]:
        """The peers' addresses that do not let us in, with ssh's own words."""
        return {address: answer for address, answer in self.logins.items() if answer != "open"}
