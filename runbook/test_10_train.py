"""Step 10: a fine-tune runs across all nodes as one job, and what it makes can be used."""

from collections.abc import Callable

from cluster.cluster import Cluster
from engine.check import check, step
from runbook.causes import training as why
from runbook.conditions import trains, trains_fully
from runbook.found import training as found
from workloads.job import FINISHED, Training
from workloads.recipe import Recipe

pytestmark = step(10, "Run finetuning scripts")

FineTune = Callable[[], Training]
"""Trains when it is first called."""

NOT_SAVED = "it was not saved, or does not load"
LAUNCHED = (
    "container.gpu_works",
    "container.workspace",
    "container.shared_memory",
    "container.compatible",
    "container.same_packages",
    "config.ranks",
    "config.same",
    "config.port",
)


@check(
    "train.finished",
    needs=LAUNCHED,
    applies=trains,
    remedy="see the rank's own words; `pytest runbook -k gpu` if it is the GPU",
)
def test_smoke_run_finishes(smoke: FineTune) -> None:
    """A smoke fine-tune runs to its end on all nodes."""
    assert smoke().outcome == FINISHED, smoke().outcome


@check("train.ranks", needs=("train.finished",), applies=trains, remedy="compare accelerate.yaml on the nodes")
def test_every_rank_took_part(smoke: FineTune, cluster: Cluster) -> None:
    """Every node took part as one rank of one job."""
    assert smoke().numbers == list(range(cluster.size)), "a rank is missing: it trained alone, or not at all"


@check("train.world", needs=("train.finished",), applies=trains, remedy="compare accelerate.yaml on the nodes")
def test_world_is_the_cluster(smoke: FineTune, cluster: Cluster) -> None:
    """The job was as large as the cluster."""
    assert smoke().world_sizes == {cluster.size}, "there were several jobs instead of one"


@check("train.loss", needs=("train.finished",), applies=trains, remedy="try another learning rate or other data")
def test_loss_falls(smoke: FineTune) -> None:
    """The loss falls."""
    assert smoke().last_loss < smoke().first_loss, "it learned nothing"


@check("train.weights", needs=("train.finished",), applies=trains, remedy="compare network, GPUs and package versions")
def test_weights_are_identical(smoke: FineTune) -> None:
    """All ranks end with the same weights."""
    assert len(set(smoke().digests)) == 1, "the ranks trained models of their own"


@check("train.saved", needs=("train.finished",), applies=trains, remedy="look into the log of rank 0")
def test_result_loads_again(smoke: FineTune) -> None:
    """The adapter is saved and loads again."""
    assert smoke().saved.get("reloaded") is True, smoke().saved.get("left_out", NOT_SAVED)


@check("train.speed", needs=("train.finished",), applies=trains, remedy="look into the log of rank 0")
def test_throughput_is_told(smoke: FineTune) -> None:
    """The throughput was measured, in real tokens per second."""
    assert smoke().tokens_per_s > 0, "no rank told how fast it was"


@check(
    "full.finished", needs=("train.finished",), applies=trains_fully, remedy="see the rank's own words; run it again"
)
def test_full_run_finishes(full: FineTune) -> None:
    """The fine-tune of the recipe runs to its end on all nodes."""
    assert full().outcome == FINISHED, full().outcome


@check("full.weights", needs=("full.finished",), applies=trains_fully, remedy="compare network, GPUs and packages")
def test_full_weights_are_identical(full: FineTune) -> None:
    """All ranks of it end with the same weights."""
    assert len(set(full().digests)) == 1, "the ranks trained models of their own"


@check("full.saved", needs=("full.finished",), applies=trains_fully, remedy="look into the log of rank 0")
def test_full_result_loads_again(full: FineTune) -> None:
    """Its result is saved as it was trained, and loads again where one node's memory holds it."""
    assert full().saved.get("reloaded") is True, full().saved.get("left_out", NOT_SAVED)


@check(
    "full.speed",
    needs=("full.finished",),
    applies=trains_fully,
    threshold="training_percent",
    warns=True,
    remedy="`pytest runbook -k 'gpu or network' --load` tells which GPU or which way is slow",
)
def test_full_run_is_fast(full: FineTune, recipe: Recipe, cluster: Cluster) -> None:
    """Every node trains about as fast as the recipe's reference, in percent."""
    assert found.speed_percent(full(), recipe) >= cluster.thresholds.training_percent, why.slow(full(), recipe)


@check(
    "full.steady",
    needs=("full.finished",),
    applies=trains_fully,
    threshold="training_last_percent",
    warns=True,
    remedy="`pytest runbook -k 'gpu or network' --load` tells which GPU or which way is slow",
)
def test_full_run_is_as_fast_as_the_last(
    full: FineTune, last_full: Callable[[], found.Earlier | None], cluster: Cluster
) -> None:
    """Every node trains about as fast as the last time, in percent."""
    assert found.steady_percent(full(), last_full()) >= cluster.thresholds.training_last_percent, why.slower(
        full(), last_full()
    )
