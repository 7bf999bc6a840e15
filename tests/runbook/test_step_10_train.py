"""Step 10 on jobs that ended in every way a job can end: the check that tells, and its reason."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.earlier import trainings
from engine.outcome import Verdict
from reports.outcome import Outcome
from runbook import test_10_train as step_10
from runbook.found.training import Earlier, last_alike
from tests.runbook.recorded import Recorded
from workloads.job import FINISHED, Rank, Training
from workloads.recipe import Reference, load_recipe

ASKED = {"train": "full"}


def rank(number: int, *, world: int = 2, digest: str = "ab12", loss: float = 2.0, speed: float = 900.0) -> Rank:
    one = Rank(number, f"spark-{number + 1}", exit=0)
    one.start = {"rank": number, "world_size": world}
    one.steps = [{"step": 1, "loss": 5.0, "tokens_per_s": speed}, {"step": 2, "loss": loss, "tokens_per_s": speed}]
    one.saved = {"reloaded": True, "path": "/workspace/runs/1/adapter"}
    one.end = {"weights_sha256": digest, "tokens_per_s": speed, "loss_first": 5.0, "loss_last": loss}
    return one


def job(*ranks: Rank, outcome: str = FINISHED) -> Training:
    return Training("tiny", list(ranks or (rank(0), rank(1))), outcome, 14.0)


BROKEN = {
    "test_smoke_run_finishes": (job(outcome="rank 1 on spark-2 ended with exit 137"), "rank 1 on spark-2 ended"),
    "test_every_rank_took_part": (job(rank(0), replace(rank(1), start={})), "a rank is missing"),
    "test_world_is_the_cluster": (job(rank(0, world=1), rank(1, world=1)), "several jobs instead of one"),
    "test_loss_falls": (job(rank(0, loss=6.0), rank(1, loss=6.0)), "it learned nothing"),
    "test_weights_are_identical": (job(rank(0), rank(1, digest="cd34")), "models of their own"),
    "test_result_loads_again": (job(replace(rank(0), saved={}), rank(1)), "it was not saved"),
    "test_throughput_is_told": (job(rank(0, speed=0.0), rank(1, speed=0.0)), "no rank told how fast"),
    "test_full_run_finishes": (job(outcome="rank 0 ran out of memory"), "ran out of memory"),
    "test_full_weights_are_identical": (job(rank(0), rank(1, digest="cd34")), "models of their own"),
    "test_full_result_loads_again": (job(replace(rank(0), saved={}), rank(1)), "it was not saved"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_job_that_is_not_as_it_has_to_be_is_told_and_a_good_one_passes(
    recorded: Callable[..., Recorded], name: str
) -> None:
    check = getattr(step_10, name)
    ended, cause = BROKEN[name]
    good = recorded(inventory="recipe: tiny").judge(check, asked_for=ASKED, smoke=job, full=job)
    assert good.outcome is Outcome.PASSED, good.cause
    bad = recorded(inventory="recipe: tiny").judge(check, asked_for=ASKED, smoke=lambda: ended, full=lambda: ended)
    assert bad.outcome is Outcome.FAILED
    assert cause in str(bad.cause)


H100 = "NVIDIA H100 80GB HBM3"
REFERENCE = Reference(tokens_per_s=1000.0, gpu=H100, measured_on="one H100")


def _on(gpu: str, tokens_per_s: float) -> Training:
    ranks = [rank(0, speed=tokens_per_s), rank(1, speed=tokens_per_s)]
    for one in ranks:
        one.start["device"] = gpu
    return job(*ranks)


@pytest.mark.parametrize(
    ("training", "reference", "outcome", "told"),
    [
        (_on(H100, 1600.0), REFERENCE, Outcome.PASSED, None),
        (_on(H100, 1590.0), REFERENCE, Outcome.PASSED,
         "795 tokens/s on each node, where the recipe's reference is of one H100"),
        (_on("NVIDIA GB10", 1590.0), REFERENCE, Outcome.SKIPPED,
         "the recipe's reference is of NVIDIA H100 80GB HBM3, not of NVIDIA GB10"),
        (_on(H100, 1600.0), None, Outcome.SKIPPED,
         "the recipe has no reference; measured: 800 tokens/s on each node"),
        (_on(H100, 0.0), REFERENCE, Outcome.UNKNOWN, "no rank told how fast it was."),
    ],
)  # fmt: skip
def test_a_full_run_is_compared_with_the_reference_of_its_recipe(
    recorded: Callable[..., Recorded],
    training: Training,
    reference: Reference | None,
    outcome: Outcome,
    told: str | None,
) -> None:
    recipe = load_recipe("tiny").model_copy(update={"reference": reference})
    verdict = recorded(inventory="recipe: tiny").judge(
        step_10.test_full_run_is_fast, asked_for=ASKED, full=lambda: training, recipe=recipe
    )
    assert (verdict.outcome, verdict.warning or verdict.cause) == (outcome, told)


def _reported(reports: Path, run: str, nodes: tuple[str, ...] = ("spark-1", "spark-2"), **told: object) -> None:
    training = {"tokens_per_s": 2000.0, "settings": {"model": "tiny"}, "ranks": [{"node": node} for node in nodes]}
    (reports / run).mkdir()
    (reports / run / "report.json").write_text(json.dumps({"training": training | told}))


def test_a_run_is_held_to_the_last_one_that_trained_the_same(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    _reported(tmp_path, "20260101-000000-fix", tokens_per_s=9000.0)
    _reported(tmp_path, "20260102-000000-fix")
    _reported(tmp_path, "20260103-000000-fix", tokens_per_s=None)
    _reported(tmp_path, "20260104-000000-fix", nodes=("spark-1",))
    _reported(tmp_path, "20260105-000000-fix", settings={"model": "another"})
    (tmp_path / "20260106-000000-fix").mkdir()
    (tmp_path / "20260106-000000-fix" / "report.json").write_text("{")
    _reported(tmp_path, "20260107-000000-fix", tokens_per_s=9000.0)
    earlier = trainings(tmp_path, before="20260107-000000-fix")
    last = last_alike(earlier, {"model": "tiny"}, ["spark-2", "spark-1"])
    assert last == Earlier("20260102-000000-fix", 2000.0)

    def judged(speed: float, last: Earlier | None) -> Verdict:
        return recorded(inventory="recipe: tiny").judge(
            step_10.test_full_run_is_as_fast_as_the_last,
            asked_for=ASKED, full=lambda: _on(H100, speed), last_full=lambda: last,
        )  # fmt: skip

    assert (judged(1800.0, last).outcome, judged(1800.0, last).warning) == (Outcome.PASSED, None)
    slow = judged(1790.0, last)
    assert slow.warning == "895 tokens/s on each node, where run 20260102-000000-fix reached 1000"
    assert judged(1790.0, None).cause == "no earlier run trained the same; measured: 895 tokens/s on each node"


@pytest.mark.parametrize(
    ("name", "why"), [("test_loss_falls", "training runs with --train"), ("test_full_run_finishes", "--train full")]
)
def test_what_was_not_asked_for_is_skipped(recorded: Callable[..., Recorded], name: str, why: str) -> None:
    verdict = recorded().judge(getattr(step_10, name), smoke=job, full=job)
    assert verdict.outcome is Outcome.SKIPPED
    assert why in str(verdict.cause)
