"""What can be known beforehand is told beforehand, in one sentence: against a hub that answers as the real one does."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.workloads.job import WORKLOADS, Job, finish
from workloads.finetune import preflight
from workloads.finetune.recipe import Recipe, read_recipe
from workloads.finetune.refusal import RefusalError
from workloads.recipe import find_recipe

TINY: Recipe = read_recipe(find_recipe("tiny"))
ANSWERS = {"meta/gated": (403, "GatedRepo"), "nobody/nothing": (401, "RepoNotFound"), "any/open": (200, None)}


class _Hub(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = "/".join(self.path.split("/")[3:5])
        status, code = ANSWERS[name]
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Stay silent."""


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def _refusal(job: Job, hub: str, changes: dict[str, object], token: str = "") -> str:
    job.environment = {
        "HF_ENDPOINT": hub,
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(job.folder / "hf"),
        "HF_TOKEN": token,
    }
    assert finish(job.start_alone(job.recipe(changes))) == [1]
    (event,) = job.events(0, "error")
    assert [phase["phase"] for phase in job.events(0, "phase")] == ["checks"]
    assert "Traceback" not in job.stderr(0)
    return str(event["message"])


@pytest.mark.torch
@pytest.mark.parametrize(
    ("model", "token", "sentence"),
    [
        ("meta/gated", "", "meta/gated: the model is gated: HF_TOKEN is not set: accept its licence"),
        (
            "meta/gated",
            "hf_x",
            "meta/gated: the model is gated: accept its licence on the model's page, with the account",
        ),
        ("nobody/nothing", "hf_x", "nobody/nothing: the hub knows no such model"),
        ("nobody/nothing", "", "nobody/nothing: the hub knows no such model, or it is private and HF_TOKEN is not set"),
    ],
)
def test_a_model_that_cannot_be_had_is_told_before_anything_is_loaded(
    job: Job, hub: str, model: str, token: str, sentence: str
) -> None:
    assert _refusal(job, hub, {"model": model}, token).startswith(sentence)


@pytest.mark.torch
def test_a_hub_that_does_not_answer_is_told(job: Job) -> None:
    assert "the hub cannot be asked" in _refusal(job, "http://127.0.0.1:9", {"model": "any/open"})


@pytest.mark.torch
def test_too_little_disk_is_told_with_both_figures(job: Job, hub: str) -> None:
    changes: dict[str, object] = {"model": "any/open", "needs": {"memory_gb": 1, "disk_gb": 10**9, "output_gb": 1}}
    assert "are free, and the recipe needs 1e+09 GB" in _refusal(job, hub, changes)


def test_what_goes_onto_one_disk_adds_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=25e9))
    preflight._check_disks({tmp_path / "cache": 20.0, tmp_path / "runs": 5.0})
    with pytest.raises(RefusalError, match=r"25\.0 GB of disk under .* are free, and the recipe needs 27 GB"):
        preflight._check_disks({tmp_path / "cache": 20.0, tmp_path / "runs": 7.0})


def test_the_result_needs_room_as_well_less_what_an_earlier_part_of_the_run_has_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(WORKLOADS)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=2e6))
    output = tmp_path / "runs" / "1"
    recipe = replace(TINY, model=str(tmp_path), needs=replace(TINY.needs, output_gb=0.003))
    with pytest.raises(RefusalError, match=rf"0.0 GB of disk under {tmp_path} are free, and the recipe needs 0.003 GB"):
        preflight.check_before_launch(recipe, output)
    (output / "checkpoints").mkdir(parents=True)
    (output / "checkpoints" / "step").write_bytes(bytes(1_500_000))
    preflight.check_before_launch(recipe, output)


@pytest.mark.torch
def test_too_little_memory_is_told_before_the_ranks_meet(job: Job) -> None:
    job.world = 1
    assert finish(job.start_alone(job.recipe({"needs": {"memory_gb": 10**9, "disk_gb": 1, "output_gb": 1}}))) == [1]
    (event,) = job.events(0, "error")
    assert "GB of memory are free, and the recipe needs 1e+09 GB" in event["message"]
    assert job.events(0, "start") == []


def test_columns_that_are_not_alpacas_are_told_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def builder(_name: str) -> object:
        return SimpleNamespace(info=SimpleNamespace(features={"question": None, "answer": None}))

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset_builder=builder))
    with pytest.raises(RefusalError, match="a/b: the data set has the columns question, answer, and no instruction"):
        preflight.check_before_launch(replace(TINY, dataset="a/b"), tmp_path)


def test_four_bits_without_the_package_for_them_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(preflight, "find_spec", lambda _name: None)
    with pytest.raises(RefusalError, match="qlora needs the package bitsandbytes"):
        preflight.check_before_launch(replace(TINY, method="qlora"), tmp_path)


def test_a_recipe_that_can_run_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(WORKLOADS)
    preflight.check_before_launch(TINY, tmp_path)
