"""What goes wrong in a job is told by name, by an event and on stderr, within a bounded time."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.workloads.job import JOIN_LIMIT_S, WORKLOADS, Job, finish
from workloads.join_errors import explain_join_failure

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch
STEP_LIMIT_S = 8
LONG: dict[str, object] = {
    "max_steps": 100_000,
    "timeouts": {"join_s": 60.0, "load_s": 120.0, "step_s": float(STEP_LIMIT_S)},
}


def _error(job: Job, rank: int) -> str:
    (event,) = job.events(rank, "error")
    assert str(event["message"]) in job.stderr(rank)
    return str(event["message"])


def test_a_rank_that_is_killed_ends_the_other(job: Job) -> None:
    recipe = job.recipe(LONG)
    ranks = [job.start(rank, recipe) for rank in (0, 1)]
    job.wait_for_step(0, 3)
    os.kill(job.worker(1), signal.SIGKILL)
    killed = time.monotonic()
    assert all(finish(*ranks))
    assert time.monotonic() - killed < STEP_LIMIT_S + 30
    assert _error(job, 0).startswith("lost another rank while in step")


def test_a_rank_that_hangs_is_told_by_the_one_that_waits(job: Job) -> None:
    recipe = job.recipe(LONG)
    ranks = [job.start(rank, recipe) for rank in (0, 1)]
    job.wait_for_step(0, 3)
    hanging = job.worker(1)
    os.kill(hanging, signal.SIGSTOP)
    try:
        assert finish(ranks[0]) != [0]
    finally:
        os.kill(hanging, signal.SIGCONT)
        finish(ranks[1])
    assert f"waited {STEP_LIMIT_S} s while in step" in _error(job, 0)
    # It was stopped at any point of a step, and only in the first half of it do the marks say which rank it is.
    named = f"rank 1 ({socket.gethostname()}) did not do its part"
    assert named in _error(job, 0) or "one hangs in its backward pass" in _error(job, 0)


def test_a_rank_that_is_told_to_stop_says_so(job: Job) -> None:
    recipe = job.recipe(LONG)
    ranks = [job.start(rank, recipe) for rank in (0, 1)]
    job.wait_for_step(0, 3)
    os.kill(job.worker(1), signal.SIGTERM)
    assert all(finish(*ranks))
    assert _error(job, 1).startswith("stopped by SIGTERM while in step")


def test_a_first_rank_whose_peers_never_come_gives_up(job: Job) -> None:
    # Two nodes that both believe that they are rank 0 each see just this.
    began = time.monotonic()
    assert finish(job.start(0, job.recipe())) == [1]
    assert time.monotonic() - began < JOIN_LIMIT_S + 60
    assert "1 of 2 nodes joined" in str(explain_join_failure(job.stderr(0)))


def test_a_rank_that_finds_nobody_at_the_address_gives_up(job: Job) -> None:
    assert finish(job.start(1, job.recipe())) == [1]
    assert f"nothing answered at 127.0.0.1:{job.port}" in str(explain_join_failure(job.stderr(1)))


def test_a_job_of_one_where_two_were_meant_is_refused(job: Job) -> None:
    assert finish(job.start_alone(job.recipe())) == [1]
    assert "formed a job of 1 instead of 2 ranks" in _error(job, 0)
    assert job.events(0, "model") == []


def test_ranks_with_different_data_are_refused(job: Job) -> None:
    rows = json.loads((WORKLOADS / "data/alpaca.json").read_text())
    other = job.folder / "data/alpaca.json"
    other.parent.mkdir()
    other.write_text(json.dumps(rows[1:]))
    recipe = job.recipe()
    assert all(finish(job.start(0, recipe), job.start(1, recipe, workspace=job.folder)))
    for rank in (0, 1):
        assert _error(job, rank).startswith("the ranks differ in the data: rank 0")
        assert job.events(rank, "model") == []


def test_ranks_with_different_recipes_are_refused(job: Job) -> None:
    assert all(finish(job.start(0, job.recipe()), job.start(1, job.recipe({"seed": 8}, "other.yaml"))))
    assert _error(job, 0).startswith("the ranks differ in the recipe: rank 0")


def test_ranks_with_different_packages_are_refused(job: Job) -> None:
    # The program's folder comes first where Python looks for packages, and so do the versions that are told there.
    metadata = job.folder / "datasets-0.0.1.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: datasets\nVersion: 0.0.1\n")
    (job.folder / "data").symlink_to(WORKLOADS / "data")
    recipe = job.recipe()
    assert all(finish(job.start(0, recipe), job.start(1, recipe, workspace=job.folder)))
    assert _error(job, 0).startswith("the ranks differ in the version of datasets: rank 0")
    assert "has 0.0.1" in _error(job, 0)


def test_a_loss_that_is_not_finite_stops_all_ranks_at_that_step(job: Job) -> None:
    recipe = job.recipe({"learning_rate": 1e30, "warmup_steps": 0})
    assert all(finish(*[job.start(rank, recipe) for rank in (0, 1)]))
    assert _error(job, 0) == _error(job, 1)
    assert "step 2 is not finite on rank 0 and 1" in _error(job, 0)
    assert [event["step"] for event in job.events(0, "step")] == [1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dataset": "data/none.json"}, "data/none.json: the data set cannot be read: there is no such file"),
        ({"model": "/nowhere"}, "/nowhere: the model cannot be loaded"),
        ({"sequence_length": 8}, "no row's answer begins within 8 tokens: raise sequence_length"),
    ],
    ids=["data", "model", "length"],
)
def test_input_that_cannot_be_used_is_named_without_a_traceback(
    training_python: str, tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    alone = Job(training_python, tmp_path, world=1)
    assert finish(alone.start_alone(alone.recipe(changes))) == [1]
    assert sentence in _error(alone, 0)
    assert "Traceback" not in alone.stderr(0)


def test_the_result_of_another_run_is_not_overwritten(training_python: str, tmp_path: Path) -> None:
    (tmp_path / "out0/adapter").mkdir(parents=True)
    alone = Job(training_python, tmp_path, world=1)
    assert finish(alone.start_alone(alone.recipe())) == [1]
    assert "give every run an output folder of its own" in _error(alone, 0)
    assert alone.events(0, "model") == []
