"""What collectives between the nodes reached, and by which way."""

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from runbook.found.fabric import skip_without_rdma
from workloads.collective.launch import Collective


def by_sockets(cluster: Cluster, measured: Collective) -> dict[str, str]:
    """The way of each rank that went by sockets although its node has RDMA devices; skipped where none has any.

    Raises:
        UnknownFact: NCCL did not tell its way.
    """
    skip_without_rdma(cluster)
    silent = [name for name, transport in measured.transports.items() if transport is None]
    if silent and cluster.inventory.device == "cuda":
        raise UnknownFact(f"NCCL did not tell which way it went on {', '.join(silent)}")
    return {
        name: str(transport)
        for name, transport in measured.transports.items()
        if transport is not None and transport.network == "Socket" and cluster[name].rdma.devices
    }


def over_rdma(cluster: Cluster, measured: Collective) -> float:
    """What the slowest collective moves on the bus, in GB/s; skipped where no node has RDMA."""
    skip_without_rdma(cluster)
    return measured.slowest.bus_gb_s
