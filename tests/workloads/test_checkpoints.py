"""A run that was killed carries on where its last checkpoint was, and ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.job import Job, finish

pytestmark = pytest.mark.torch
CHANGES: dict[str, object] = {
    "max_steps": 24,
    "checkpoint_every": 5,
    # Dropout draws random numbers in every step: those have to go on as well.
    "lora": {"rank": 4, "alpha": 8, "dropout": 0.1, "targets": ["q_proj", "v_proj"]},
}


def _run(job: Job) -> list[int]:
    recipe = job.recipe(CHANGES)
    return finish(*[job.start(rank, recipe) for rank in range(job.world)])


def _end(job: Job) -> dict[str, Any]:
    (event,) = job.events(0, "end")
    return {name: event[name] for name in ("loss_first", "loss_last", "weights_sha256")}


@pytest.fixture(scope="module")
def uninterrupted(training_python: str, tmp_path_factory: pytest.TempPathFactory) -> Job:
    job = Job(training_python, tmp_path_factory.mktemp("uninterrupted"))
    assert _run(job) == [0, 0], job.stderr(0)
    return job


@pytest.fixture(scope="module")
def killed(training_python: str, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A run whose second rank was killed after its second checkpoint."""
    job = Job(training_python, tmp_path_factory.mktemp("killed"))
    recipe = job.recipe(CHANGES)
    ranks = [job.start(rank, recipe) for rank in (0, 1)]
    job.wait_for_step(1, 12)
    os.kill(job.worker(1), signal.SIGKILL)
    assert all(finish(*ranks))
    return job


def _written(job: Job, rank: int) -> list[Path]:
    return sorted((job.folder / f"out{rank}/checkpoints").iterdir())


def test_a_finished_run_leaves_no_checkpoints(uninterrupted: Job) -> None:
    assert [event["step"] for event in uninterrupted.events(0, "checkpoint")] == [5, 10, 15, 20]
    assert _written(uninterrupted, 0) == _written(uninterrupted, 1) == []


def test_the_same_command_carries_on_and_ends_the_same(uninterrupted: Job, killed: Job) -> None:
    steps = {int(path.name.split("-")[1]) for rank in (0, 1) for path in _written(killed, rank)}
    assert len(steps) <= 3
    newest = max(path for path in _written(killed, 0) if path.suffix == ".pt")
    if killed.events(0, "step")[-1]["step"] >= 15:
        # Written, and then damaged on its way to the disk of one rank only: the one before it is taken.
        newest.write_bytes(newest.read_bytes()[:-1])
    assert _run(killed) == [0, 0], killed.stderr(0)
    (resumed,) = killed.events(0, "resumed")
    assert resumed["step"] >= 5
    assert killed.events(0, "step")[0]["step"] == resumed["step"] + 1
    assert _end(killed) == _end(uninterrupted)


def test_of_three_ranks_too(training_python: str, tmp_path: Path) -> None:
    # Which of three numbers are added first makes a difference, where two add up to the same either way.
    ends = []
    for kill in (False, True):
        (folder := tmp_path / f"killed-{kill}").mkdir()
        job = Job(training_python, folder, world=3)
        recipe = job.recipe(CHANGES | {"max_steps": 16})
        if kill:
            ranks = [job.start(rank, recipe) for rank in range(3)]
            job.wait_for_step(1, 6)
            os.kill(job.worker(1), signal.SIGKILL)
            assert all(finish(*ranks))
        assert finish(*[job.start(rank, recipe) for rank in range(3)]) == [0, 0, 0], job.stderr(0)
        assert len(job.events(0, "resumed")) == int(kill)
        ends.append(_end(job))
    assert ends[0] == ends[1]


def test_a_full_fine_tune_in_16_bits_carries_on_where_it_was(training_python: str, tmp_path: Path) -> None:
    # Many steps for a small model: the kill has to come before the last of them.
    full = {"method": "full", "lora": None, "dtype": "bfloat16", "max_steps": 80, "checkpoint_every": 4}
    ends = []
    for kill in (False, True):
        (folder := tmp_path / f"killed-{kill}").mkdir()
        job = Job(training_python, folder, world=1)
        recipe = job.recipe(full)
        if kill:
            started = job.start_alone(recipe)
            job.wait_for_step(0, 5)
            os.kill(started.pid, signal.SIGKILL)
            finish(started)
        assert finish(job.start_alone(recipe)) == [0], job.stderr(0)
        assert len(job.events(0, "resumed")) == int(kill)
        ends.append(_end(job))
    assert ends[0] == ends[1]


def test_checkpoints_of_another_recipe_are_refused_and_kept(job: Job) -> None:
    recipe = job.recipe(CHANGES | {"max_steps": 1000})
    ranks = [job.start(rank, recipe) for rank in (0, 1)]
    job.wait_for_step(0, 6)
    os.kill(job.worker(1), signal.SIGKILL)
    assert all(finish(*ranks))
    before = _written(job, 0)
    other = job.recipe(CHANGES | {"seed": 8})
    assert all(finish(*[job.start(rank, other) for rank in (0, 1)]))
    (event,) = job.events(0, "error")
    assert "has checkpoints of another run: the recipe" in event["message"]
    assert _written(job, 0) == before
