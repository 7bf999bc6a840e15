"""Step 1: interfaces of the fabric switched on, routes that lead past it taken out, netplan's files kept private."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface
from shlex import quote

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.node import Node
from engine.change import Change, Changes, Instruction, RunCommand, together
from engine.rights import SetRights

LINK_PATIENCE_S = 10
"""A link of 200 Gb/s takes some seconds to come up."""


@dataclass(eq=False)
class SwitchOn(RunCommand):
    """Set an interface up and wait until its ends agree on a speed, and it has the addresses that it has at boot."""

    interface: str = ""

    def apply(self) -> None:
        """Set it up; one without a cable is not waited for longer than a link takes."""
        expected = self._addresses_at_boot()
        super().apply()
        until = time.monotonic() + LINK_PATIENCE_S
        while time.monotonic() < until:
            self.node.forget()
            link = self.node.network.links.get(self.interface)
            if link and link.up and expected <= set(link.addresses):
                return
            time.sleep(0.2)

    def _addresses_at_boot(self) -> set[IPv4Interface]:
        try:
            return set(self.node.netplan.at_boot([self.interface])[self.interface])
        except UnknownFact:
            return set()


def switch_on(node: Node) -> Iterator[Change]:
    """Set the CX-7 interfaces up that somebody has set down."""
    for name in node.network.switched_off:
        undo = f"ip link set {name} down"
        yield SwitchOn(node, f"ip link set {name} up", undo_command=undo, foreseeable=False, interface=name)


def switch_on_all(cluster: Cluster) -> Changes:
    """Set the CX-7 interfaces of all nodes up that somebody has set down."""
    yield together(map(switch_on, cluster.nodes))


def remove_detours(node: Node) -> Iterator[Change]:
    """Take out the route that leads a peer's packets away from the fabric, where it leads nothing else."""
    for addresses in node.fabric_of_peers.values():
        for interface, planned in addresses.items():
            route = node.mesh.routes.get(str(planned.ip))
            if route is None or route.interface in (interface, "none", "lo"):
                continue
            entry, selector = (" ".join(map(quote, words.split())) for words in (route.entry, route.selector))
            if route.is_within(planned.network):
                undo = f'test -n "$(ip route show {selector})" || ip route add {entry}'
                yield RunCommand(node, f"ip route del {entry}", undo_command=undo)
            else:
                yield Instruction(
                    node, f"take the route `{route.entry}` out on {node.name} (`ip route del`), and where it comes from"
                )


def make_private(node: Node) -> Iterator[Change]:
    """Take the right to read netplan's files from everybody but root, as netplan itself asks."""
    for file in node.netplan.files:
        if not file.is_private:
            yield SetRights(node, "chmod", file.path, "600", before=file.mode, after="600")
