"""Two real processes, as two machines, train one model."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.workloads.job import WORKLOADS, Job, finish

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch
STEPS = 30


@dataclass(frozen=True)
class Finished:
    """A job that has ended with status 0 on both ranks."""

    job: Job

    def only(self, rank: int, kind: str) -> dict[str, Any]:
        (event,) = self.job.events(rank, kind)
        return event

    def losses(self) -> list[float]:
        return [event["loss"] for event in self.job.events(0, "step")]


def _finished(job: Job, **changes: object) -> Finished:
    recipe = job.recipe(changes)
    statuses = finish(*[job.start(rank, recipe) for rank in range(job.world)])
    assert statuses == [0] * job.world, [job.stderr(rank) for rank in range(job.world)]
    return Finished(job)


@pytest.fixture(scope="module")
def replicated(training_python: str, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return _finished(Job(training_python, tmp_path_factory.mktemp("replicated")))


@pytest.fixture(scope="module")
def sharded(training_python: str, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return _finished(Job(training_python, tmp_path_factory.mktemp("sharded")), sharding="fsdp2")


def test_two_machines_form_one_job(replicated: Finished) -> None:
    starts = [replicated.only(rank, "start") for rank in (0, 1)]
    assert [(start["rank"], start["world_size"]) for start in starts] == [(0, 2), (1, 2)]


def test_a_rank_tells_its_phases_in_order(replicated: Finished) -> None:
    phases = [event["phase"] for event in replicated.job.events(1, "phase")]
    assert phases == ["checks", "imports", "joining", "data", "model", "training", "saving"]


def test_every_step_is_told_by_every_rank(replicated: Finished) -> None:
    for rank in (0, 1):
        assert [event["step"] for event in replicated.job.events(rank, "step")] == list(range(1, STEPS + 1))


def test_the_loss_is_the_same_on_both_ranks(replicated: Finished) -> None:
    assert replicated.losses() == [event["loss"] for event in replicated.job.events(1, "step")]


def test_the_loss_falls_by_more_than_a_fifth(replicated: Finished) -> None:
    end = replicated.only(0, "end")
    assert end["loss_last"] < 0.8 * end["loss_first"]


def test_both_ranks_end_with_the_same_weights(replicated: Finished) -> None:
    assert replicated.only(0, "end")["weights_sha256"] == replicated.only(1, "end")["weights_sha256"]


def test_only_the_first_rank_saves(replicated: Finished) -> None:
    assert replicated.job.events(1, "saved") == []
    assert (replicated.job.folder / "out0/adapter/adapter_model.safetensors").is_file()
    assert not (replicated.job.folder / "out1/adapter").exists()


def test_the_adapter_works_when_it_is_loaded_again(replicated: Finished) -> None:
    saved = replicated.only(0, "saved")
    assert saved["reloaded"] is True
    assert saved["difference"] < 1e-3
    assert saved["generated"]


def test_nothing_half_written_is_left(replicated: Finished) -> None:
    assert list((replicated.job.folder / "out0").glob(".*")) == []


def test_the_file_of_metrics_says_what_stdout_said(replicated: Finished) -> None:
    told = (replicated.job.folder / "stdout1").read_text()
    assert (replicated.job.folder / "out1/metrics-rank1.jsonl").read_text() == told


def test_sharded_ranks_hold_shards_and_train_the_same_model(replicated: Finished, sharded: Finished) -> None:
    assert sharded.only(0, "start")["sharded"] is True
    assert sharded.losses() == pytest.approx(replicated.losses(), rel=1e-3)


def test_a_sharded_adapter_is_saved_whole(sharded: Finished) -> None:
    assert sharded.only(0, "saved")["difference"] < 1e-3
    assert sharded.only(0, "end")["weights_sha256"] == sharded.only(1, "end")["weights_sha256"]


def test_one_machine_in_two_rounds_does_what_two_machines_do(
    replicated: Finished, training_python: str, tmp_path: Path
) -> None:
    alone = Job(training_python, tmp_path, world=1)
    assert finish(alone.start_alone(alone.recipe({"gradient_accumulation": 2}))) == [0], alone.stderr(0)
    assert [event["loss"] for event in alone.events(0, "step")] == pytest.approx(replicated.losses(), rel=1e-3)


def test_a_full_fine_tune_is_saved_and_loaded_again(training_python: str, tmp_path: Path) -> None:
    alone = Job(training_python, tmp_path, world=1)
    recipe = alone.recipe({"method": "full", "lora": None, "max_steps": 3})
    assert finish(alone.start_alone(recipe)) == [0], alone.stderr(0)
    (model,) = alone.events(0, "model")
    assert model["trainable"] == model["parameters"]
    (saved,) = alone.events(0, "saved")
    assert saved["difference"] < 1e-3
    assert saved["generated"]


def test_a_full_fine_tune_in_16_bits_trains_what_one_in_32_does(training_python: str, tmp_path: Path) -> None:
    losses = []
    for dtype, world in (("float32", 1), ("bfloat16", 1), ("bfloat16", 2)):
        (folder := tmp_path / f"{dtype}-{world}").mkdir()
        job = Job(training_python, folder, world=world)
        full = {"method": "full", "lora": None, "max_steps": 8, "dtype": dtype, "gradient_accumulation": 3 - world}
        recipe = job.recipe(full)
        statuses = finish(*([job.start_alone(recipe)] if world == 1 else [job.start(rank, recipe) for rank in (0, 1)]))
        assert statuses == [0] * world, job.stderr(0)
        losses.append([event["loss"] for event in job.events(0, "step")])
        (saved,) = job.events(0, "saved")
        # How 16 bits round is the processor's own; beyond 5e-2 the program itself refuses.
        assert saved["difference"] < (1e-3 if dtype == "float32" else 5e-2)
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)
    assert losses[2] == pytest.approx(losses[0], rel=1e-2)


def test_a_sharded_full_fine_tune_trains_what_one_machine_does(training_python: str, tmp_path: Path) -> None:
    full = {"method": "full", "lora": None, "max_steps": 5, "sharding": "fsdp2"}
    together = Job(training_python, tmp_path)
    recipe = together.recipe(full)
    assert finish(*[together.start(rank, recipe) for rank in range(2)]) == [0, 0], together.stderr(0)
    (tmp_path / "alone").mkdir()
    alone = Job(training_python, tmp_path / "alone", world=1)
    recipe = alone.recipe({**full, "sharding": "none", "gradient_accumulation": 2})
    assert finish(alone.start_alone(recipe)) == [0], alone.stderr(0)
    told = [[event["loss"] for event in job.events(0, "step")] for job in (together, alone)]
    assert told[0] == pytest.approx(told[1], rel=1e-3)
    (saved,) = together.events(0, "saved")
    assert saved["difference"] < 1e-3


def test_a_base_in_16_bits_is_trained_in_32_when_it_is_sharded(training_python: str, tmp_path: Path) -> None:
    narrow = tmp_path / "narrow"
    code = (
        "import sys, torch; from transformers import AutoModelForCausalLM as M, AutoTokenizer as T;"
        "from finetune.tiny import make_tiny; from finetune.data import load_rows; from pathlib import Path;"
        "make_tiny(load_rows('data/alpaca.json'), Path(sys.argv[1] + '.wide'), 7);"
        "M.from_pretrained(sys.argv[1] + '.wide', dtype=torch.bfloat16).save_pretrained(sys.argv[1]);"
        "T.from_pretrained(sys.argv[1] + '.wide').save_pretrained(sys.argv[1])"
    )
    subprocess.run([training_python, "-c", code, str(narrow)], check=True, cwd=WORKLOADS)
    job = Job(training_python, tmp_path)
    full = {"model": str(narrow), "method": "full", "lora": None, "max_steps": 3, "sharding": "fsdp2"}
    recipe = job.recipe(full | {"dtype": "bfloat16", "gradient_checkpointing": True})
    assert finish(*[job.start(rank, recipe) for rank in range(2)]) == [0, 0], job.stderr(0)
    (saved,) = job.events(0, "saved")
    assert saved["reloaded"] is True
    index = subprocess.run(
        [training_python, "-c", "import sys, safetensors.torch as s; print({str(t.dtype) for t in "
         "s.load_file(sys.argv[1]).values()})", str(tmp_path / "out0/model/model.safetensors")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert index.stdout.strip() == "{'torch.float32'}"
