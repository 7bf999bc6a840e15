"""Step 1, disks, on recorded output: what is full, and what of a recipe does not fit where."""

from collections.abc import Callable

import pytest

from cluster.facts.resources import ResourceFacts
from engine.outcome import Verdict
from reports.outcome import Outcome
from runbook import test_01_node as step_01
from tests.runbook.disks import CACHE, WORKSPACE, disk
from tests.runbook.recorded import Recorded
from workloads.recipe import Recipe, load_recipe

LLAMA = load_recipe("llama3-8b-lora")
FULL = load_recipe("llama3-3b-full")


@pytest.fixture
def two(recorded: Callable[..., Recorded]) -> Recorded:
    """Two machines that have fetched and written nothing yet, and are to train the 3B."""
    cluster = recorded(inventory="recipe: llama3-3b-full")
    cluster.said(ResourceFacts, models="", checkpoints="")
    return cluster


def judge(cluster: Recorded, check: Callable[..., object], recipe: Recipe = LLAMA) -> Verdict:
    return cluster.judge(check, "spark-2", recipe=recipe)


@pytest.mark.parametrize(
    ("sources", "outcome"),
    [
        (("nas:/home", "nas:/home"), Outcome.FAILED),
        (("//nas/home", "//nas/home"), Outcome.FAILED),
        (("nas:/home1", "nas:/home2"), Outcome.PASSED),
        (("/dev/nvme0n1p2", "/dev/nvme0n1p2"), Outcome.PASSED),
        (("rpool/home", "rpool/home"), Outcome.PASSED),
    ],
)
def test_a_workspace_that_two_nodes_share(two: Recorded, sources: tuple[str, str], outcome: Outcome) -> None:
    for node, source in zip(("spark-1", "spark-2"), sources, strict=True):
        two.said(ResourceFacts, node, file_server=f"{source}\n")
    verdict = two.judge(step_01.test_workspaces_are_apart)
    assert verdict.outcome is outcome
    if outcome is Outcome.FAILED:
        assert verdict.found == f"{sources[0]} (spark-1 and spark-2)"


def test_a_disk_that_is_nearly_full(two: Recorded) -> None:
    two.said(ResourceFacts, disks=disk("/") + disk("/var/lib/docker", used=97, free=3) + disk(CACHE))
    verdict = judge(two, step_01.test_disks_are_not_full)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "97.0")
    assert verdict.cause == "the disk of /var/lib/docker is nearly full: docker and downloads would stop in the middle"
    assert verdict.threshold is not None
    assert verdict.threshold.margin == -2.0


@pytest.mark.parametrize(
    ("inodes", "used", "outcome"),
    [("1000", "990", Outcome.FAILED), ("-", "-", Outcome.PASSED), ("0", "0", Outcome.PASSED)],
)
def test_a_disk_whose_files_are_used_up(two: Recorded, inodes: str, used: str, outcome: Outcome) -> None:
    two.said(ResourceFacts, disks=disk("/") + disk(CACHE, inodes=inodes, inodes_used=used))
    verdict = judge(two, step_01.test_files_are_not_used_up)
    assert (verdict.outcome, f"on the disk of {CACHE}" in (verdict.cause or "")) == (outcome, outcome is Outcome.FAILED)


@pytest.mark.parametrize(
    ("models", "outcome", "found"),
    [
        ("", Outcome.FAILED, "12.0"),
        (f"16000000000\t{CACHE}/hub/models--{LLAMA.model.replace('/', '--')}\n", Outcome.PASSED, None),
        (f"16000000000\t{CACHE}/hub/models--another--model\n", Outcome.FAILED, "12.0"),
    ],
)
def test_a_model_that_does_not_fit_unless_it_is_there(
    two: Recorded, models: str, outcome: Outcome, found: str | None
) -> None:
    two.said(ResourceFacts, disks=disk(CACHE, free=12), models=models)
    verdict = judge(two, step_01.test_model_fits_on_the_disk)
    assert verdict.outcome is outcome
    if found:
        assert (verdict.found, verdict.expected) == (found, "at least 20.0")


FETCHED = f"7000000000\t{CACHE}/hub/models--{FULL.model.replace('/', '--')}\n"
WRITTEN = (
    f"90000000000\t{WORKSPACE}/runs/20261101-120000-llama3-3b-full/checkpoints\n"
    f"30000000000\t{WORKSPACE}/runs/20261102-120000-llama3-3b-full/checkpoints\n"
    f"60000000000\t{WORKSPACE}/runs/20261103-120000-tiny/checkpoints\n"
)


@pytest.mark.parametrize(
    ("free", "told", "found"),
    [
        (129, {"models": FETCHED}, "129.0"),
        (130, {"models": FETCHED}, None),
        # What the model will take of the same disk is not there for checkpoints.
        (136, {}, "129.0"),
        (137, {}, None),
        # The run that would be carried on has its checkpoints already; older ones and those of others stay.
        (99, {"models": FETCHED, "checkpoints": WRITTEN}, "129.0"),
        (100, {"models": FETCHED, "checkpoints": WRITTEN}, None),
    ],
)
def test_checkpoints_that_do_not_fit_unless_they_are_there(
    two: Recorded, free: int, told: dict[str, str], found: str | None
) -> None:
    two.said(ResourceFacts, disks=disk(CACHE, free=free) + disk(WORKSPACE, free=free), **told)
    verdict = judge(two, step_01.test_result_fits_on_the_disk, FULL)
    assert (verdict.outcome, verdict.found) == ((Outcome.FAILED, found) if found else (Outcome.PASSED, verdict.found))
    assert (f"on the disk of {WORKSPACE}" in (verdict.cause or "")) == bool(found)


def test_a_model_in_a_folder_is_not_fetched(two: Recorded) -> None:
    two.said(ResourceFacts, disks=disk(CACHE, free=130) + disk(WORKSPACE, free=130))
    local = FULL.model_copy(update={"model": "/models/llama"})
    verdict = judge(two, step_01.test_model_fits_on_the_disk, local)
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "the model is in /models/llama, and is not fetched")
    assert judge(two, step_01.test_result_fits_on_the_disk, local).outcome is Outcome.PASSED


def test_on_disks_of_their_own_the_model_takes_no_room_from_checkpoints(two: Recorded) -> None:
    two.said(ResourceFacts, disks=disk(CACHE, free=8, device=8) + disk(WORKSPACE, free=130))
    assert judge(two, step_01.test_result_fits_on_the_disk, FULL).outcome is Outcome.PASSED
