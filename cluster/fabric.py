"""Which address every fabric interface has to have: what is right stays, what is not is planned anew."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Protocol

from cluster.facts.network import Link
from cluster.inventory import Fabric

LINK_LOCAL = IPv4Network("169.254.0.0/16")


class SeesLinks(Protocol):
    """What planning needs to know of a node."""

    @property
    def links(self) -> Mapping[str, Link]:
        """All interfaces by name."""

    @property
    def ports(self) -> Mapping[str, bool]:
        """CX-7 interfaces by name, and whether each is up."""


@dataclass(frozen=True)
class FabricPlan:
    """Interfaces in use, and each node's address on each of them."""

    interfaces: tuple[str, ...]
    addresses: Mapping[str, Mapping[str, IPv4Interface]]

    def of(self, node: str) -> Mapping[str, IPv4Interface]:
        """Return a node's addresses by interface; empty for a node that did not answer."""
        return self.addresses.get(node, {})

    def main(self, node: str) -> IPv4Address | None:
        """Return the address by which others reach this node: the one on the first interface."""
        return next((address.ip for address in self.of(node).values()), None)


def plan_fabric(nodes: Mapping[str, SeesLinks], wanted: Fabric, ranks: list[str]) -> FabricPlan:
    """Plan one subnet a logical interface, every address unique.

    Addresses that already fit (same subnet as the peers', not twice, not link-local) are kept; new host numbers follow
    the rank, so that a node that is away keeps its number free.

    Raises:
        UnknownFact: A node's interfaces could not be read.
    """
    interfaces = _interfaces(nodes, wanted)
    taken = [
        address.network
        for facts in nodes.values()
        for link in facts.links.values()
        for address in link.addresses
        if link.name not in interfaces
    ]
    addresses: dict[str, dict[str, IPv4Interface]] = {name: {} for name in nodes}
    for interface in interfaces:
        live = {name: _fitting(facts.links.get(interface), taken) for name, facts in nodes.items()}
        subnet = _subnet(list(live.values()), wanted, taken)
        if subnet is None:
            continue
        taken.append(subnet)
        kept: dict[str, IPv4Interface] = {}
        for name, address in live.items():
            if (
                address is not None
                and address.network == subnet
                and address.ip not in {other.ip for other in kept.values()}
            ):
                kept[name] = address
        for name in nodes:
            addresses[name][interface] = kept.get(name) or _free(subnet, ranks.index(name) + 1, kept)
            kept[name] = addresses[name][interface]
    return FabricPlan(interfaces, addresses)


def _interfaces(nodes: Mapping[str, SeesLinks], wanted: Fabric) -> tuple[str, ...]:
    if wanted.interfaces != "auto":
        return wanted.interfaces
    up = [{name for name, is_up in facts.ports.items() if is_up} for facts in nodes.values()]
    return tuple(sorted(set.intersection(*up), key=str.lower)) if up else ()


def _fitting(link: Link | None, taken: list[IPv4Network]) -> IPv4Interface | None:
    found = [
        address
        for address in (link.addresses if link else ())
        if not address.network.overlaps(LINK_LOCAL) and not any(address.network.overlaps(other) for other in taken)
    ]
    return found[0] if len(found) == 1 else None


def _subnet(live: list[IPv4Interface | None], wanted: Fabric, taken: list[IPv4Network]) -> IPv4Network | None:
    used = Counter(address.network for address in live if address is not None)
    if used:
        return max(used, key=lambda subnet: (used[subnet], -int(subnet.network_address)))
    return next((subnet for subnet in wanted.subnets if not any(subnet.overlaps(other) for other in taken)), None)


def _free(subnet: IPv4Network, number: int, kept: Mapping[str, IPv4Interface]) -> IPv4Interface:
    used = {address.ip for address in kept.values()}
    numbers = [number, *range(1, subnet.num_addresses - 1)]
    address = next(subnet[n] for n in numbers if 0 < n < subnet.num_addresses - 1 and subnet[n] not in used)
    return IPv4Interface((address, subnet.prefixlen))
