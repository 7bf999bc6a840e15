"""Step 10, before the fine-tune: how fast the ranks move data together, and by which way."""

from collections.abc import Callable

from cluster.cluster import Cluster
from engine.check import check, step
from runbook.causes import collective as why
from runbook.conditions import measures_the_fabric, measures_through_rdma
from runbook.found import collective as found
from workloads.collective.launch import Collective

pytestmark = step(10, "Run finetuning scripts")

Measured = Callable[[], Collective]
LAUNCHED = ("container.gpu_works", "config.port", "network.doors")


@check(
    "fabric.transport",
    needs=LAUNCHED,
    applies=measures_the_fabric,
    warns=True,
    remedy="set `launcher: docker` in the inventory: swarm cannot give containers the RDMA devices",
)
def test_nccl_uses_rdma(cluster: Cluster, collective: Measured) -> None:
    """Between the nodes NCCL uses RDMA wherever a node has it."""
    assert found.by_sockets(cluster, collective()) == {}, why.not_by_rdma(cluster, collective())


@check(
    "fabric.carries",
    needs=LAUNCHED,
    applies=measures_through_rdma,
    threshold="collective_least_gb_per_s",
    remedy="mend what the cause names; `pytest runbook -k network --load` measures each cable by itself",
)
def test_collectives_use_the_fabric(cluster: Cluster, collective: Measured) -> None:
    """All ranks together move more data than they could by sockets or a detour."""
    assert found.over_rdma(cluster, collective()) >= cluster.thresholds.collective_least_gb_per_s, why.slow(
        collective()
    )


@check(
    "fabric.collective",
    needs=(*LAUNCHED, "fabric.carries"),
    applies=measures_the_fabric,
    threshold="collective_gb_per_s",
    warns=True,
    remedy="mend what the cause names; `pytest runbook -k network --load` measures each cable by itself",
)
def test_collectives_are_fast(cluster: Cluster, collective: Measured) -> None:
    """All ranks together move data at the speed of the port."""
    assert collective().slowest.bus_gb_s >= cluster.thresholds.collective_gb_per_s, why.slow(collective())
