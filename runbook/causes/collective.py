"""Why collectives between the nodes are slow, and why NCCL does not use RDMA."""

from cluster.cluster import Cluster
from runbook.fabric import skip_without_rdma
from workloads.collective.launch import Collective

SOCKETS_GB_S = 5.0
"""RDMA over a 200 Gb/s port does not get as low as this, even over half of it: sockets or a wrong way do."""
SLOW_GB_S = 10.0


def by_sockets(cluster: Cluster, measured: Collective) -> dict[str, str]:
    """The way of each rank that went by sockets although its node has RDMA devices; skipped where none has any."""
    skip_without_rdma(cluster)
    return {
        name: str(transport)
        for name, transport in measured.transports.items()
        if transport is not None and transport.network == "Socket" and cluster[name].rdma.devices
    }


def through_rdma(cluster: Cluster, measured: Collective) -> float:
    """What the slowest collective moves on the bus, in GB/s; skipped where no node has RDMA."""
    skip_without_rdma(cluster)
    return measured.slowest.bus_gb_s


def not_by_rdma(cluster: Cluster, measured: Collective) -> str:
    """Say why: the container has no device, or NCCL passed over those there are."""
    names = by_sockets(cluster, measured)
    blind = [name for name in names if (transport := measured.transports[name]) and transport.no_device]
    if blind:
        return f"NCCL found no RDMA device in the container of {', '.join(blind)}: swarm passes none to containers"
    return f"NCCL passed over the RDMA devices of {', '.join(names)}: see its GIDs, NCCL_IB_HCA and NCCL_IB_DISABLE"


def slow(measured: Collective) -> str:
    """Say how slow, by which way, and what that much is a sign of."""
    slowest, ways = measured.slowest, {str(way) for way in measured.transports.values() if way}
    told = f"{slowest.name} moves {slowest.bus_gb_s:.1f} GB/s on the bus, by {' and '.join(sorted(ways)) or 'gloo'}"
    if slowest.bus_gb_s < SOCKETS_GB_S:
        return f"{told}: that little means sockets, or a way that is not the fabric"
    used = {name: way.over for name, way in measured.transports.items() if way and way.network == "IB"}
    if single := [name for name, over in used.items() if len(over) == 1]:
        return f"{told}: {', '.join(single)} uses one of the port's two interfaces, which is half of it"
    if slowest.bus_gb_s < SLOW_GB_S:
        return f"{told}: less than one interface carries; see MTU, GIDs and PCIe"
    return f"{told}: between one interface and the whole port; see MTU, PCIe and what else uses the link"
