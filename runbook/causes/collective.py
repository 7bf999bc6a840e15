"""Why collectives between the nodes are slow, and why NCCL does not use RDMA."""

from cluster.cluster import Cluster
from runbook.found.collective import by_sockets
from workloads.collective.launch import Collective

SOCKETS_GB_S = 5.0
"""RDMA over a 200 Gb/s port does not get as low as this, even over half of it: sockets or a wrong way do."""
SLOW_GB_S = 10.0
"""On the bus, in GB/s: one of the two interfaces of a port carries some 100 Gb/s of its 200 (12 GB/s)."""


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
