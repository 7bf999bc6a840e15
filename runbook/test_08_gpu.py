"""Between steps 7 and 9 of the playbook, which has no step 8: every GPU is as fast under load as it should be.

A GPU that is stuck in low power looks well until it has work to do.
"""

from cluster.cluster import Cluster
from cluster.node import Node
from engine.check import check, step
from runbook.causes import gpu as why
from runbook.conditions import computes_on_gpus, computes_on_several_nodes
from runbook.found import gpu_load as found
from workloads.gpu_load.launch import RAN, GpuLoad

pytestmark = step(8, "Put the GPUs under load")

RUNS = ("gpu.runs",)
SLOW = "do what the cause says; power the node off and pull its supply out of the wall for a minute"


@check("gpu.runs", needs=("gpu.present",), applies=computes_on_gpus, remedy="do what the cause says")
def test_gpu_takes_up_work(node: Node, gpu_load: GpuLoad) -> None:
    """Every GPU takes up work."""
    assert found.result(gpu_load, node).outcome == RAN, why.idle(found.result(gpu_load, node).outcome)


@check("gpu.right", needs=RUNS, applies=computes_on_gpus, remedy="have the GPU replaced")
def test_gpu_computes_right(node: Node, gpu_load: GpuLoad) -> None:
    """A GPU computes right, and the same twice."""
    assert found.wrong(gpu_load, node) == {}, "it computes wrongly without any other sign"


@check("gpu.compute", needs=RUNS, applies=computes_on_gpus, threshold="gpu_compute_percent", remedy=SLOW)
def test_gpu_computes_fast(node: Node, gpu_load: GpuLoad) -> None:
    """A GPU multiplies matrices as fast as one of its kind should, in percent."""
    assert found.compute_percent(gpu_load, node) >= node.cluster.thresholds.gpu_compute_percent, why.slow(
        node, gpu_load
    )


@check("gpu.copy", needs=RUNS, applies=computes_on_gpus, threshold="gpu_copy_percent", remedy=SLOW)
def test_gpu_copies_fast(node: Node, gpu_load: GpuLoad) -> None:
    """A GPU copies within its memory as fast as one of its kind should, in percent."""
    assert found.copy_percent(gpu_load, node) >= node.cluster.thresholds.gpu_copy_percent, why.slow(node, gpu_load)


@check("gpu.even", needs=RUNS, applies=computes_on_several_nodes, threshold="gpu_even_percent", warns=True, remedy=SLOW)
def test_gpus_are_as_fast_as_each_other(cluster: Cluster, gpu_load: GpuLoad) -> None:
    """The slowest GPU of a kind is about as fast as the fastest, in percent."""
    assert found.slowest_percent(gpu_load, cluster) >= cluster.thresholds.gpu_even_percent, found.told_by_node(
        gpu_load, cluster
    )


@check("gpu.clock", needs=RUNS, applies=computes_on_gpus, threshold="gpu_clock_percent", remedy=SLOW)
def test_gpu_clock_rises(node: Node, gpu_load: GpuLoad) -> None:
    """A GPU's clock rises under load, in percent of the highest that it has."""
    assert found.clock_percent(gpu_load, node) >= node.cluster.thresholds.gpu_clock_percent, why.slow(node, gpu_load)


@check("gpu.full_speed", needs=RUNS, applies=computes_on_gpus, remedy="look at cooling, power supply and cables")
def test_gpu_is_not_slowed_down_at_work(node: Node, gpu_load: GpuLoad) -> None:
    """Nothing but its power limit slows a GPU down under load."""
    assert found.slowdowns(gpu_load, node) == {}, "it gets too hot, or too little power"


@check(
    "gpu.cool_at_work",
    needs=RUNS,
    applies=computes_on_gpus,
    threshold="gpu_temperature_c",
    remedy="clear the air vents; give the node room and cooler air",
)
def test_gpu_stays_cool(node: Node, gpu_load: GpuLoad) -> None:
    """A GPU stays cool enough under load to go on at full speed."""
    assert found.hottest(gpu_load, node) <= node.cluster.thresholds.gpu_temperature_c, (
        "after seconds of work it is this hot"
    )


@check(
    "gpu.link",
    needs=RUNS,
    applies=computes_on_gpus,
    threshold="gpu_link_percent",
    remedy="reseat the card; try another slot or riser",
)
def test_gpu_link_is_fast(node: Node, gpu_load: GpuLoad) -> None:
    """A GPU's PCIe link is as fast as it can be under load, in percent."""
    assert found.link_percent(gpu_load, node) >= node.cluster.thresholds.gpu_link_percent, (
        "lanes are missing, or the link came up in an older generation: a dirty contact, or a bad riser"
    )
