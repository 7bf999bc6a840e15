"""Checkpoints that are damaged, of another run or of another rank, and a disk that is full."""

from __future__ import annotations

import errno
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from workloads.finetune.refusal import RefusalError

torch = pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

import torch.distributed as dist  # noqa: E402 - only where torch is

from workloads.finetune.checkpoints import Checkpoints  # noqa: E402 - only where torch is
from workloads.finetune.world import World  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _group_of_one() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


class Training:
    """One weight and its optimizer, of which every step leaves the step's number in the weight."""

    def __init__(self, folder: Path, rank: int = 0, data: str = "d", keep: int = 2) -> None:
        progress: Any = None
        world = World(rank, ["spark-1", "spark-2"], torch.device("cpu"), sharded=False, progress=progress)
        self.weights = {"w": torch.nn.Parameter(torch.zeros(2))}
        self.adam = torch.optim.AdamW(self.weights.values())
        self.checkpoints = Checkpoints(folder, {"the recipe": "r", "the data": data}, keep, world)

    def write(self, *steps: int) -> None:
        for step in steps:
            self.weights["w"].data.fill_(step)
            self.checkpoints.write(step, self.weights, self.adam, {"step": step})

    def restored(self) -> int:
        told = self.checkpoints.restore(self.weights, self.adam)
        return int(told.get("step", 0))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_is_restored(tmp_path: Path) -> None:
    Training(tmp_path).write(5, 10, 15)
    again = Training(tmp_path)
    assert again.restored() == 15
    assert again.weights["w"].tolist() == [15, 15]
    assert _names(tmp_path) == [f"step-000000{step}-rank0.{kind}" for step in (10, 15) for kind in ("json", "pt")]


@pytest.mark.parametrize("damaged", ["", "{", "[]", "{}", '{"identity": null, "sha256": ""}'])
def test_one_whose_description_is_damaged_is_passed_over(tmp_path: Path, damaged: str) -> None:
    Training(tmp_path).write(5, 10)
    (tmp_path / "step-00000010-rank0.json").write_text(damaged)
    assert Training(tmp_path).restored() == 5


def test_a_damaged_one_does_not_take_the_place_of_those_written_later(tmp_path: Path) -> None:
    Training(tmp_path).write(5, 10)
    (tmp_path / "step-00000010-rank0.pt").write_bytes(b"")
    again = Training(tmp_path, keep=1)
    assert again.restored() == 5
    again.write(6)
    assert Training(tmp_path).restored() == 6


def test_those_of_another_run_are_refused_with_both_ways_out(tmp_path: Path) -> None:
    Training(tmp_path).write(5)
    told = f"{tmp_path} has checkpoints of another run: the data changed since: put it back, or remove that folder on"
    with pytest.raises(RefusalError, match=told):
        Training(tmp_path, data="other").restored()
    assert len(_names(tmp_path)) == 2


def test_those_of_another_rank_are_refused_where_there_is_none_of_its_own(tmp_path: Path) -> None:
    Training(tmp_path, rank=1).write(5)
    told = "has checkpoints of rank 1 and none of rank 0: the order of the nodes changed since: put it back, or remove"
    with pytest.raises(RefusalError, match=told):
        Training(tmp_path, rank=0).restored()


def test_a_finished_run_leaves_none_of_whatever_rank(tmp_path: Path) -> None:
    Training(tmp_path, rank=1).write(5)
    first = Training(tmp_path, rank=0)
    first.write(5)
    first.checkpoints.clear()
    assert _names(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError("file write failed"), OSError(errno.ENOSPC, "No space left")])
def test_a_full_disk_is_told_as_one_though_what_was_begun_is_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    partial = tmp_path / ".step-00000005-rank0.pt.partial"

    def save(*_: object) -> None:
        partial.write_bytes(b"as much as there was room for")
        raise error

    monkeypatch.setattr(torch, "save", save)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0 if partial.exists() else 5e9))
    told = rf"of step 5 cannot be written to {tmp_path}: the disk is full; 0\.0 GB were free there: remove what"
    with pytest.raises(RefusalError, match=told):
        Training(tmp_path).write(5)
    assert _names(tmp_path) == []
