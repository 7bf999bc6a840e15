"""Step 1, RDMA: the fabric's adapters can be used without the kernel in the way, which NCCL wants for its speed."""

from collections.abc import Callable

from cluster.cluster import Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import nccl
from runbook.causes import fabric as why
from runbook.conditions import has_a_fabric, measures_the_fabric
from runbook.found import fabric as found
from workloads.bandwidth import Flow

pytestmark = step(1, "Configure network connectivity")

Flows = Callable[[], list[Flow]]
LINKED = ("network.linked",)
ADDRESSED = ("network.addressed",)
RDMA = ("rdma.gid", "rdma.verbs", "network.reachable")


@check(
    "rdma.active",
    needs=LINKED,
    applies=has_a_fabric,
    remedy="`modprobe mlx5_ib`, or set the port to Ethernet with mlxconfig and reboot",
)
def test_rdma_is_active(node: Node) -> None:
    """The RDMA port of every fabric interface is active, over Ethernet."""
    assert found.without_active_rdma(node) == (), why.no_rdma(node)


@check(
    "rdma.gid",
    needs=("rdma.active", "network.addressed"),
    applies=has_a_fabric,
    remedy="set the interface down and up: the kernel makes its GIDs anew",
)
def test_rdma_speaks_from_the_address(node: Node) -> None:
    """Every fabric interface has a RoCE v2 GID of its IPv4 address."""
    assert found.without_gid(node) == (), "NCCL finds no RoCE v2 address there, and falls back to sockets"


@check(
    "rdma.verbs",
    needs=("rdma.active",),
    applies=has_a_fabric,
    remedy="`modprobe ib_uverbs`; look for what removed /dev/infiniband",
)
def test_programs_can_use_rdma(node: Node) -> None:
    """Every RDMA device can be opened by programs."""
    assert found.without_verbs(node) == (), "there is no /dev/infiniband/uverbs for it"


@check("rdma.gid_index", fix=nccl.unpin, needs=ADDRESSED, applies=has_a_fabric, together="nodes")
def test_gid_index_is_not_pinned_wrongly(node: Node) -> None:
    """No file tells NCCL a GID index that belongs to another address."""
    assert found.drifted_pins(node) == {}, (
        "NCCL_IB_GID_INDEX points elsewhere since addresses changed: NCCL hangs or fails"
    )


@check("rdma.cma", applies=has_a_fabric, remedy="boot kernel 6.17, or 7.0 with kho=off on its command line")
def test_memory_for_devices_is_counted_right(node: Node) -> None:
    """The kernel has no more memory free for devices than it set aside."""
    assert found.cma_free(node) <= (node.rdma.cma_total or 0), "its count is off: registering memory for RDMA will fail"


@check("rdma.carries", needs=RDMA, applies=measures_the_fabric, threshold="rdma_least_gbps", remedy="see the cause")
def test_rdma_carries_data(cluster: Cluster, rdma: Flows) -> None:
    """Every fabric interface carries RDMA writes, even if slower than it should."""
    assert min(found.over_rdma(cluster, rdma)) >= cluster.thresholds.rdma_least_gbps, why.carries_little(
        cluster, rdma()
    )


@check(
    "rdma.bandwidth",
    needs=("rdma.carries",),
    applies=measures_the_fabric,
    threshold="rdma_gbps",
    warns=True,
    remedy="see the cause",
)
def test_rdma_is_fast(cluster: Cluster, rdma: Flows) -> None:
    """Every fabric interface carries RDMA writes at the speed of its half of the port."""
    assert min(found.over_rdma(cluster, rdma)) >= cluster.thresholds.rdma_gbps, why.carries_little(cluster, rdma())


@check("rdma.latency", needs=RDMA, applies=measures_the_fabric, threshold="rdma_us", warns=True, remedy="look for load")
def test_rdma_is_prompt(cluster: Cluster, rdma_latency: Flows) -> None:
    """An RDMA write takes microseconds."""
    assert max(found.over_rdma(cluster, rdma_latency)) <= cluster.thresholds.rdma_us, (
        "other traffic, or a switch on the way, delays it"
    )
