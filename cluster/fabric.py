"""Which address every fabric interface has to have: what is right stays, what is not is planned anew."""

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from itertools import chain
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
    """Interfaces in use, each node's address on each of them, and the largest packet that all nodes take there."""

    interfaces: tuple[str, ...]
    addresses: Mapping[str, Mapping[str, IPv4Interface]]
    mtu: Mapping[str, int] = field(default_factory=dict)
    """Bytes, by interface: the smallest that a node has. Larger ones are never asked for."""

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
    subnets = _subnets(nodes, interfaces, wanted, len(ranks))
    addresses: dict[str, dict[str, IPv4Interface]] = {name: {} for name in nodes}
    for interface in (name for name in interfaces if name in subnets):
        planned = _keep(nodes, interface, subnets[interface])
        used = {address.ip for address in planned.values()}
        for name in nodes:
            if name not in planned:
                planned[name] = _free(subnets[interface], ranks.index(name), len(ranks), used)
                used.add(planned[name].ip)
            addresses[name][interface] = planned[name]
    return FabricPlan(interfaces, addresses, {name: _smallest_mtu(nodes, name) for name in interfaces})


def _smallest_mtu(nodes: Mapping[str, SeesLinks], interface: str) -> int:
    return min((facts.links[interface].mtu for facts in nodes.values() if interface in facts.links), default=0)


def _interfaces(nodes: Mapping[str, SeesLinks], wanted: Fabric) -> tuple[str, ...]:
    if wanted.interfaces != "auto":
        return wanted.interfaces
    up = [{name for name, is_up in facts.ports.items() if is_up} for facts in nodes.values()]
    return tuple(sorted(set.intersection(*up), key=str.lower)) if up else ()


def _subnets(
    nodes: Mapping[str, SeesLinks], interfaces: tuple[str, ...], wanted: Fabric, size: int
) -> dict[str, IPv4Network]:
    """Choose the subnet of each interface: what most nodes have, else one of the inventory's, else a new one."""
    chosen: dict[str, IPv4Network] = {}
    taken = [
        address.network
        for facts in nodes.values()
        for link in facts.links.values()
        for address in link.addresses
        if link.name not in interfaces
    ]
    for interface in interfaces:
        live = (_only(facts.links.get(interface), taken, size) for facts in nodes.values())
        votes = Counter(address.network for address in live if address is not None)
        if votes:
            chosen[interface] = max(
                votes, key=lambda subnet: (votes[subnet], subnet in wanted.subnets, -int(subnet.network_address))
            )
            taken.append(chosen[interface])
    for interface in interfaces:
        if interface not in chosen and (new := _new_subnet(wanted, size, taken)):
            chosen[interface] = new
            taken.append(new)
    return chosen


def _only(link: Link | None, taken: list[IPv4Network], size: int) -> IPv4Interface | None:
    """Return the one address of a link that can stay, if there is exactly one."""
    found = [
        address
        for address in (link.addresses if link else ())
        if not address.network.overlaps(LINK_LOCAL)
        and not any(address.network.overlaps(other) for other in taken)
        and len(_hosts(address.network)) >= size
        and _is_host(address)
    ]
    return found[0] if len(found) == 1 else None


def _keep(nodes: Mapping[str, SeesLinks], interface: str, subnet: IPv4Network) -> dict[str, IPv4Interface]:
    """Return the addresses in a subnet that can stay: of two nodes with the same, the first keeps it."""
    kept: dict[str, IPv4Interface] = {}
    taken = set()
    for name, facts in nodes.items():
        link = facts.links.get(interface)
        inside = [address for address in (link.addresses if link else ()) if address.network == subnet]
        if len(inside) == 1 and _is_host(inside[0]) and inside[0] not in taken:
            kept[name] = inside[0]
            taken.add(inside[0])
    return kept


def _new_subnet(wanted: Fabric, size: int, taken: list[IPv4Network]) -> IPv4Network | None:
    roomy = (subnet for subnet in wanted.subnets if len(_hosts(subnet)) >= size)
    return next((subnet for subnet in roomy if not any(subnet.overlaps(other) for other in taken)), None)


def _free(subnet: IPv4Network, rank: int, size: int, used: Container[IPv4Address]) -> IPv4Interface:
    hosts = _hosts(subnet)
    # The numbers of the other ranks come last: a node that is away may have its own and come back with it.
    candidates = chain(hosts[rank : rank + 1], hosts[size:], hosts)
    return IPv4Interface((next(subnet[n] for n in candidates if subnet[n] not in used), subnet.prefixlen))


def _is_host(address: IPv4Interface) -> bool:
    return int(address.ip) - int(address.network.network_address) in _hosts(address.network)


def _hosts(subnet: IPv4Network) -> range:
    """The host numbers of a subnet: all but the first and the last, which RFC 3021 gives to a link of two."""
    return range(1, subnet.num_addresses - 1) if subnet.prefixlen < 31 else range(subnet.num_addresses)
