"""Why a check of the fabric fails, in words: the most particular cause that the facts bear out."""

from collections.abc import Sequence
from ipaddress import IPv4Interface
from operator import attrgetter

from cluster.cluster import Cluster
from cluster.fabric import LINK_LOCAL
from cluster.node import Node
from engine.naming import with_verb
from runbook.found.fabric import idle_twins, interfaces, mtus, planned_routes, routes, slowest_link
from workloads.bandwidth import Flow

Addresses = dict[str, tuple[IPv4Interface, ...]]
"""By interface."""

STALE_GBPS = 25.0
"""A 200 Gb/s link that carries less than this has been seen after a boot, at 8 to 25 Gb/s, and after no other fault."""


def dark(node: Node) -> str:
    """Why no CX-7 interface has a link."""
    if not node.network.ports:
        return "the node shows no CX-7 interface: its driver (mlx5_core) is not loaded, or the adapter is gone"
    if off := node.network.switched_off:
        return f"{with_verb(off, 'is', 'are')} switched off (`ip link set ... down`)"
    on = with_verb(sorted(node.network.ports), "is", "are")
    return f"{on} on and without a carrier: the cable, the port or the other end"


def ports_differ(cluster: Cluster) -> str:
    """Why the cabled ports are not the same: somebody switched one off, or the cable is elsewhere."""
    off = [
        f"{with_verb(node.network.switched_off, 'is', 'are')} switched off on {node.name}"
        for node in _with_ports_off(cluster)
    ]
    return "; ".join(off) or "the cable is in different ports"


def _with_ports_off(cluster: Cluster) -> list[Node]:
    everywhere = {name for node in cluster.nodes for name in node.network.cabled}
    return [node for node in cluster.nodes if everywhere & set(node.network.switched_off)]


def half_idle(node: Node) -> str:
    """Which interface is switched off beside one that has a link."""
    return (
        f"{with_verb(idle_twins(node), 'is', 'are')} switched off (`ip link set ... down`), and the same port's other "
        "interface has a link: half of its bandwidth lies idle"
    )


def unlinked(node: Node) -> str:
    """Why an interface that the inventory names has no link."""
    links = node.network.links
    missing = [name for name in interfaces(node) if name not in links]
    if missing:
        return f"the inventory names {', '.join(missing)}, which the node does not have"
    off = tuple(name for name in interfaces(node) if not links[name].on)
    if off:
        return f"{with_verb(off, 'is', 'are')} switched off"
    return "there is no carrier: the cable, the port or the other end"


def slow(node: Node) -> str:
    """Why a link is slower than it has to be: which one, and whether the others are as slow."""
    speeds, slowest = node.adapter.speeds, slowest_link(node)
    slow = [name for name in interfaces(node) if speeds[name] == slowest]
    peers = {peer.name: peer.adapter.speeds for peer in node.peers}
    differ = [name for name in peers if any(peers[name].get(one) not in (None, slowest) for one in slow)]
    ends = "its end" if len(differ) == 1 else "their ends"
    where = f", and {with_verb(differ, 'tells', 'tell')} another speed at {ends}" if differ else ""
    return f"{', '.join(slow)} came up at {slowest} Mb/s{where}: a cable or switch port made for less"


def narrow(node: Node) -> str:
    """Which interface has how narrow a PCIe link."""
    pcie = node.adapter.pcie
    narrow = min((name for name in interfaces(node) if name in pcie), key=lambda name: pcie[name].gbps)
    return f"the PCIe link of {narrow} runs at {pcie[narrow]}: old firmware, or a board with fewer lanes there"


def addressed_wrongly(node: Node) -> str:
    """What is wrong with the fabric addresses, interface by interface."""
    live, plan = node.network.live(interfaces(node)), node.fabric
    elsewhere = node.network.live(set(node.network.links) - set(live))
    wrong = [
        f"{name} {_what_is_wrong(name, live, elsewhere, plan[name])}"
        for name in live
        if name in plan and live[name] != (plan[name],)
    ]
    return "; ".join(wrong) or "no address can be planned: see `fabric` in the inventory"


def _what_is_wrong(name: str, live: Addresses, elsewhere: Addresses, planned: IPv4Interface) -> str:
    others = {other: found for other, found in live.items() if other != name}
    if not live[name] and any(others.values()):
        return "has no address, and its twin has one: half of the port's bandwidth lies idle"
    if not live[name]:
        return "has no address"
    shared = [
        other
        for other, found in (others | elsewhere).items()
        for one in found
        for own in live[name]
        if one.network.overlaps(own.network)
    ]
    if shared:
        return f"shares a subnet with {shared[0]}: answers leave by the wrong one"
    if all(one.network.overlaps(LINK_LOCAL) for one in live[name]):
        return "has only a link-local address, which changes with every boot"
    extra = [str(one) for one in live[name] if one != planned]
    if planned in live[name]:
        return f"has {', '.join(extra)} beside {planned}: others may be told the wrong one"
    return f"has {', '.join(extra)} where {planned} fits the other nodes"


def lost_at_boot(node: Node) -> str:
    """Why the addresses would not be there after a reboot."""
    in_run = {key for file in node.netplan.files if not file.survives for key in file.ethernets}
    volatile = {name for name in interfaces(node) if in_run.intersection(node.netplan.keys_of(name))}
    if volatile:
        return f"{', '.join(sorted(volatile))}: netplan's file for it is in /run, which a reboot empties"
    links = node.network.links
    if leased := [name for name in interfaces(node) if name in links and links[name].leased]:
        return f"{with_verb(leased, 'has', 'have')} an address by DHCP, which may be another one after a reboot"
    at_boot = node.netplan.at_boot(interfaces(node))
    other = [f"{name} gets {', '.join(map(str, found))}" for name, found in at_boot.items() if found]
    missing = [name for name, found in at_boot.items() if not found]
    if missing:
        by_hand = any(node.network.live(missing).values())
        lost = ": it was set by hand, and a reboot loses it" if by_hand else ""
        return f"netplan knows no address of {', '.join(missing)}{lost}"
    return f"netplan gives other addresses at boot than are in force: {'; '.join(other)}"


def mtus_differ(cluster: Cluster) -> str:
    """Which interface differs, and on which node."""
    plan = cluster.fabric
    larger = [
        f"{name} of {node.name} has {mtu}"
        for node in cluster.nodes
        for name, mtu in mtus(node).items()
        if mtu != plan.mtu[name]
    ]
    return f"{'; '.join(larger)} where another node takes no more than {min(plan.mtu.values(), default=0)}"


def frames_lost(cluster: Cluster) -> str:
    """Why full frames do not get through although both ends take them."""
    if not any(node.mesh.too_large for node in cluster.nodes):
        return "small pings are answered, and some full frames are lost: a bad cable or transceiver"
    sizes = ", ".join(str(size) for size in sorted(set(cluster.fabric.mtu.values())))
    return f"small pings are answered, frames of {sizes} bytes are not: a switch between the nodes takes no such frames"


def routed_wrongly(node: Node) -> str:
    """Which entry of the routing table sends a peer's packets elsewhere."""
    wanted, found = planned_routes(node), node.mesh.routes
    wrong = [address for address, interface in routes(node).items() if wanted.get(address) != interface]
    entry = found[wrong[0]].entry if wrong else "no route was told"
    return f"{wrong[0] if wrong else 'a peer'} is reached by another way: {entry}"


def unreachable(node: Node) -> str:
    """Walk the path to the first peer that does not answer, and name the first thing on it that is wrong."""
    address = next(iter(node.mesh.lost))
    interface = planned_routes(node)[address]
    peer = next(one for one in node.peers if address in map(str, _own_addresses(one)))
    for end in (node, peer):
        if not end.network.links[interface].up:
            return f"{interface} has no link on {end.name}"
    ping, neighbour = node.mesh.lost[address], node.mesh.neighbours.get(address)
    if ping.loss < 100:
        return f"{ping} on the way to {peer.name}: a bad cable, or a link that comes and goes"
    if neighbour is None or neighbour.mac is None:
        return (
            f"nobody on {interface} answers when asked who has {address} (ARP): the cable leads elsewhere, "
            f"the switch keeps the two ports apart, or {peer.name} does not answer"
        )
    back = [route for target, route in peer.mesh.routes.items() if target in map(str, _own_addresses(node))]
    astray = [route for route in back if route.interface not in interfaces(node)]
    if astray:
        return f"{peer.name} hears it and answers by another way: {astray[0].entry}"
    if peer.doors.filters:
        return f"{peer.name} answers ARP and no ping: its packet filter (`iptables -S INPUT`) turns them away"
    return f"{peer.name} answers ARP and no ping: something there, or the switch, drops IP packets"


def _own_addresses(node: Node) -> list[object]:
    return [address.ip for address in node.fabric.values()]


def shut(node: Node) -> str:
    """Which peers keep their doors shut, and how."""
    hosts = {door.host for door in node.doors.shut}
    peers = [peer for peer in node.peers if hosts & set(map(str, _own_addresses(peer)))]
    how = "a firewall rejects" if set(node.doors.shut.values()) == {"refused"} else "a firewall silently drops"
    by = ", ".join(f"{peer.name} ({_filter(peer)})" for peer in peers)
    return f"{how} what the swarm and the ranks send to {by}, although pings pass"


def _filter(node: Node) -> str:
    if node.doors.has_ufw:
        return "ufw is active"
    return "iptables turns packets away" if node.doors.filters else "its iptables lets all in: nftables, or the switch"


def no_rdma(node: Node) -> str:
    """Why an interface has no RDMA port in order."""
    devices = node.rdma.devices
    lacking = [name for name in interfaces(node) if name not in devices]
    if lacking:
        return f"{with_verb(lacking, 'has', 'have')} no RDMA device, though nodes here have some: is mlx5_ib loaded?"
    wrong = [
        f"{name} ({port.device}) is {port.state} over {port.link_layer}"
        for name, port in devices.items()
        if name in interfaces(node) and not port.is_active
    ]
    return f"{'; '.join(wrong)}: NCCL passes over it and falls back to sockets"


def carries_little(cluster: Cluster, flows: Sequence[Flow]) -> str:
    """Which way carries less than it has to, and what that much, or that little, is a sign of."""
    worst, best = min(flows, key=attrgetter("figure")), max(flows, key=attrgetter("figure"))
    told = f"{worst} carries {worst.figure:g} Gb/s"
    speed = (cluster[worst.source].adapter.speeds.get(worst.interface) or 0) / 1000
    if worst.figure < STALE_GBPS <= speed / 4:
        return (
            f"{told} though the link says {speed:g}: the adapter kept a stale state from its last boot; "
            "reboot both nodes, and if it stays power them off for a minute"
        )
    if best.figure > worst.figure * 1.5:
        return f"{told} while {best} carries {best.figure:g}: see what differs there (PCIe, MTU, errors, load)"
    return f"{told}, and the others no more: look at MTU, CPU load and power profile, which they have in common"
