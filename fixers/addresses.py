"""Step 1: give the fabric interfaces their addresses and MTU, through netplan, so that they survive a reboot."""

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Interface

import yaml

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.facts.netplan import BootEntry
from cluster.node import Node
from engine.change import Change, Changes, Consent, Instruction, together
from engine.network_change import WriteNetplan
from fixers.foreign_settings import OUR_FILE, connection_of, key_of, remove_foreign_settings

_HEAD = "# The fabric's addresses, written by Spark Runbook: `pytest runbook --undo RUN` takes them back.\n"
ETHERNET_MTU = 1500
"""Bytes; what every switch takes."""


def assign(node: Node) -> Iterator[Change]:
    """Make every fabric interface have its planned address, now and at boot."""
    yield from _configure(node, {})


def assign_all(cluster: Cluster) -> Changes:
    """Give every node whose addresses are not as planned the planned ones."""
    yield from _one_then_the_others([node for node in cluster.nodes if not _is_addressed(node)], {})


def align_mtus(cluster: Cluster) -> Changes:
    """Give every fabric interface the smallest MTU that any node has there, now and at boot."""
    wanted = dict(cluster.fabric.mtu)
    differ = [node for node in cluster.nodes if any(node.network.links[name].mtu != wanted[name] for name in wanted)]
    yield from _one_then_the_others(differ, wanted)


def shorten_frames(cluster: Cluster) -> Changes:
    """Go down to the MTU that every switch takes where larger frames do not pass."""
    stuck = {address for node in cluster.nodes for address in node.mesh.too_large}
    interfaces = {name for node in cluster.nodes for name, one in node.fabric.items() if str(one.ip) in stuck}
    wanted = {name: ETHERNET_MTU for name in interfaces if cluster.fabric.mtu[name] > ETHERNET_MTU}
    yield from _one_then_the_others(cluster.nodes if wanted else (), wanted)


def _is_addressed(node: Node) -> bool:
    plan = node.fabric
    return node.network.live(plan) == {name: (planned,) for name, planned in plan.items()}


def _one_then_the_others(nodes: Sequence[Node], mtus: Mapping[str, int]) -> Changes:
    """Configure one node, and all others at once when it holds: what cuts nodes off then cuts off one."""
    yield from together(_configure(node, mtus) for node in nodes[:1])
    yield together(_configure(node, mtus) for node in nodes[1:])


def _configure(node: Node, mtus: Mapping[str, int]) -> Iterator[Change]:
    """Write our file so that it gives the planned addresses, and the MTUs named here or there already."""
    plan, links = node.fabric, node.network.links
    live = node.network.live(plan)
    consent = _consent(node, {str(one.ip) for name in plan for one in live[name] if one != plan[name]})
    foreign = list(remove_foreign_settings(node, plan, mtus, consent))
    yield from foreign
    if not plan or any(isinstance(change, Instruction) for change in foreign):
        return
    ours = _entries_of_our_file(node)
    keys = {name: key_of(node, name) for name in plan if not connection_of(node, name)}
    kept = {name: entry.mtu for name, key in keys.items() if (entry := ours.get(key)) and entry.mtu}
    written = {**kept, **mtus}
    entries = {key: _entry(node, name, key, plan[name], written.get(name)) for name, key in keys.items()}
    takes_back = [f"ip addr del {planned} dev {name}" for name, planned in plan.items() if planned not in live[name]]
    takes_back += [f"ip link set {name} mtu {links[name].mtu}" for name in plan if name in written]
    text = _HEAD + yaml.safe_dump({"network": {"version": 2, "ethernets": entries}}, sort_keys=False)
    yield WriteNetplan(node, OUR_FILE, text.encode(), mode=0o600, takes_back=takes_back, awaited=plan, consent=consent)


def _consent(node: Node, lost: Container[str]) -> Consent | None:
    """Ask before an address goes by which a swarm knows the node: docker would not start again."""
    with suppress(UnknownFact):
        swarm = node.docker.engine.swarm
        if swarm.state == "active" and swarm.address in lost:
            return Consent("leave-swarm", f"{node.name} loses {swarm.address}, by which its swarm knows it")
    return None


def _entry(node: Node, interface: str, key: str, planned: IPv4Interface, mtu: int | None) -> dict[str, object]:
    # NVIDIA's own file asks for IPv4 link-local addresses, and one of those beside the planned one may be chosen.
    entry: dict[str, object] = {"optional": True, "link-local": ["ipv6"]}
    others = [file.ethernets for file in node.netplan.files if file.path != OUR_FILE]
    if any(entries[key].dhcp4 for entries in others if key in entries):
        entry = {"dhcp4": False, **entry}
    if key in _entries_of_our_file(node) or not _kept_elsewhere(node, interface, planned):
        entry = {"addresses": [str(planned)], **entry}
    return entry | {"mtu": mtu} if mtu else entry


def _entries_of_our_file(node: Node) -> dict[str, BootEntry]:
    return next((file.ethernets for file in node.netplan.files if file.path == OUR_FILE), {})


def _kept_elsewhere(node: Node, interface: str, planned: IPv4Interface) -> bool:
    return node.netplan.at_boot([interface])[interface] == (planned,)
