"""The fabric as step 1 compares it: what a node has, and what it has to have."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import pytest

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.facts.mesh import Ping
from cluster.facts.rdma import RdmaPort
from cluster.node import Node
from workloads.bandwidth import Flow

T = TypeVar("T")


def interfaces(node: Node) -> tuple[str, ...]:
    """The interfaces of the fabric."""
    return node.cluster.fabric.interfaces


def planned(node: Node) -> dict[str, tuple[object, ...]]:
    """The addresses that a node has to have, by interface."""
    return {name: (address,) for name, address in node.fabric.items()}


def fabric_addresses(node: Node) -> list[object]:
    """The addresses that a node has on the fabric; where it has none, those of netplan.

    NetworkManager gives no address to an interface that a peer has already.
    """
    live = node.network.live(interfaces(node))
    bare = [name for name, addresses in live.items() if not addresses]
    refused = node.netplan.at_boot(bare) if bare else {}
    return [address.ip for addresses in (*live.values(), *refused.values()) for address in addresses]


def unlinked(node: Node) -> tuple[str, ...]:
    """The fabric interfaces that have no link."""
    links = node.network.links
    return tuple(name for name in interfaces(node) if name not in links or not links[name].up)


def idle_twins(node: Node) -> tuple[str, ...]:
    """The interfaces that are switched off while their twin has a link, but for those that the inventory leaves out."""
    wanted = node.cluster.inventory.fabric.interfaces
    return tuple(name for name in node.network.idle_twins if wanted == "auto" or name in wanted)


def readable_by_others(node: Node) -> tuple[str, ...]:
    """Netplan's files that not only root may read."""
    return tuple(file.path for file in node.netplan.files if not file.is_private)


def mtus(node: Node) -> dict[str, int]:
    """The MTU of each fabric interface, in bytes."""
    links = node.network.links
    return {name: links[name].mtu for name in interfaces(node) if name in links}


def routes(node: Node) -> dict[str, str]:
    """The interface by which each peer's address is reached."""
    return {address: route.interface for address, route in node.mesh.routes.items()}


def planned_routes(node: Node) -> dict[str, str]:
    """The interface by which each peer's address has to be reached: the one that has the cable to it."""
    return {
        str(address.ip): interface
        for addresses in node.fabric_of_peers.values()
        for interface, address in addresses.items()
    }


def strangers(node: Node) -> dict[str, str]:
    """The peers' addresses at which another machine answers, with its hardware address."""
    neighbours = node.mesh.neighbours
    found = {}
    for peer, addresses in node.fabric_of_peers.items():
        # A Linux machine may answer on any interface that hears the question, so all of its own will do.
        own = {link.mac for link in peer.network.links.values()}
        for address in addresses.values():
            mac = neighbours[str(address.ip)].mac if str(address.ip) in neighbours else None
            if mac and mac not in own:
                found[str(address.ip)] = mac
    return found


def lost_frames(cluster: Cluster) -> dict[str, dict[str, Ping]]:
    """The peers' addresses to which not every full frame gets, by node."""
    return {node.name: lost for node in cluster.nodes if (lost := node.mesh.lost_frames)}


def slowest_link(node: Node) -> int:
    """The lowest speed of the fabric interfaces, in Mb/s."""
    return min(by_interface(node, node.adapter.speeds, "speed").values())


def narrowest_pcie(node: Node) -> float:
    """The lowest throughput of the fabric interfaces' PCIe links, in Gb/s."""
    if not any(name in node.adapter.pcie for name in interfaces(node)):
        pytest.skip("the fabric interfaces are no PCIe devices here, or hide their PCIe link")
    return min(pcie.gbps for pcie in by_interface(node, node.adapter.pcie, "PCIe link").values())


def by_interface(node: Node, found: Mapping[str, T | None], what: str) -> dict[str, T]:
    """Take what was found for each fabric interface; an interface of which nothing is told is unknown.

    Raises:
        UnknownFact: The node does not tell it of one of them.
    """
    told = {name: value for name in interfaces(node) if (value := found.get(name)) is not None}
    if not told or set(told) != set(interfaces(node)):
        silent = [name for name in interfaces(node) if name not in told]
        raise UnknownFact(f"{node.name} does not tell the {what} of {', '.join(silent) or 'any fabric interface'}.")
    return told


def skip_without_rdma(cluster: Cluster) -> None:
    """Skip what is asked about where no node has any RDMA device."""
    if not any(node.rdma.devices for node in cluster.nodes):
        pytest.skip("no node has an RDMA device")


def rdma_ports(node: Node) -> dict[str, RdmaPort | None]:
    """The RDMA port of each fabric interface; skipped where no node has any RDMA device."""
    skip_without_rdma(node.cluster)
    return {name: node.rdma.devices.get(name) for name in interfaces(node)}


def without_active_rdma(node: Node) -> tuple[str, ...]:
    """The fabric interfaces whose RDMA port is not active over Ethernet, or that have none."""
    return tuple(name for name, port in rdma_ports(node).items() if port is None or not port.is_active)


def without_verbs(node: Node) -> tuple[str, ...]:
    """The fabric interfaces whose RDMA device programs cannot open, or that have none."""
    return tuple(name for name, port in rdma_ports(node).items() if port is None or not port.verbs)


def without_gid(node: Node) -> tuple[str, ...]:
    """The fabric interfaces whose planned address is in no RoCE v2 GID."""
    plan = node.fabric
    return tuple(
        name
        for name, port in rdma_ports(node).items()
        if port is None or name not in plan or port.index_of(plan[name].ip) is None
    )


def drifted_pins(node: Node) -> dict[str, int]:
    """The GID indexes pinned in files that are not, on every fabric interface, that of its planned address."""
    plan, devices = node.fabric, node.rdma.devices
    right = {devices[name].index_of(plan[name].ip) if name in devices else None for name in plan}
    return {file: index for file, index in node.rdma.pins.items() if right != {index}}


def cma_free(node: Node) -> int:
    """Memory that the kernel calls free of what it set aside for devices, in kB."""
    if node.rdma.cma_free is None:
        pytest.skip("this kernel sets no memory aside")
    return node.rdma.cma_free


def most_flaps(node: Node) -> int:
    """How often the least steady fabric interface lost or found its link since boot."""
    return max((node.adapter.flaps(name) for name in interfaces(node)), default=0)


def most_errors(node: Node) -> int:
    """How many frames arrived broken at the worst fabric interface since boot."""
    return max((node.adapter.errors(name) for name in interfaces(node)), default=0)


def counted(node: Node, count: Callable[[str], int]) -> str:
    """Name the fabric interfaces at which something was counted, and how often it was."""
    return ", ".join(f"{name} ({count(name):,} since boot)" for name in interfaces(node) if count(name))


def slowest(flows: Iterable[Flow]) -> float:
    """The lowest throughput that was measured, in Gb/s."""
    return min(flow.figure for flow in flows)


def over_rdma(cluster: Cluster, measure: Callable[[], list[Flow]]) -> list[float]:
    """What was measured over RDMA; skipped where there is no RDMA, or nothing to measure it with."""
    skip_without_rdma(cluster)
    lacking = [node.name for node in cluster.nodes if node.rdma.perftest == "none"]
    if lacking:
        pytest.skip(f"ib_write_bw (Debian package perftest) is not installed on {', '.join(lacking)}")
    return [flow.figure for flow in measure()]
