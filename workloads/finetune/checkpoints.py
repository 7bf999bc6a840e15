"""Checkpoints: the state of a run on disk, from which the same command carries on.

Every rank writes its own part into its own folder, since nodes share no disk: `step-00000040-rank1.pt`, and when that
is on disk a `.json` beside it that says what it is and its checksum. Only a step that every rank has whole is resumed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor

from .durable import sync
from .refusal import RefusalError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from .world import World


FORMAT = "2"
"""Raised when what is in a checkpoint, or how it is named there, changes."""


class Checkpoints:
    """The checkpoints of one rank in one run's folder.

    Args:
        folder: where this rank writes.
        identity: what has to be the same for a checkpoint to be this run's, by its name in words.
        keep: how many are kept.
        world: this rank's place.
    """

    def __init__(self, folder: Path, identity: dict[str, str], keep: int, world: World) -> None:
        """Take over the folder."""
        self._folder = folder
        shape = {"the number of ranks": str(world.size), "the sharding": str(world.sharded)}
        self._identity = identity | shape | {"the format of checkpoints": FORMAT}
        self._keep = keep
        self._world = world

    def write(
        self, step: int, trained: dict[str, Tensor], optimizer: torch.optim.Optimizer, tally: dict[str, Any]
    ) -> float:
        """Write the state after a step, remove the oldest ones, and return how many seconds it took.

        Raises:
            RefusalError: it cannot be written.
        """
        began = time.monotonic()
        state = {
            "tally": tally,
            "weights": {name: _local(each.detach()) for name, each in trained.items()},
            "moments": {
                name: {key: _local(value) for key, value in optimizer.state[each].items()}
                for name, each in trained.items()
            },
            "random": _random_state(self._world.device),
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._path(step)
            _write_durably(path, lambda partial: torch.save(state, partial))
            told = {"identity": self._identity, "sha256": _sha256(path)}
            _write_durably(path.with_suffix(".json"), lambda partial: partial.write_text(json.dumps(told)))
        except (OSError, RuntimeError) as error:
            # Before the partials are removed, which make room again.
            free = shutil.disk_usage(self._folder.parent).free
            for partial in self._folder.glob(".*"):
                partial.unlink(missing_ok=True)
            reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
            # Of a full disk torch says no more than that it could not write.
            if getattr(error, "errno", None) == errno.ENOSPC or free < _bytes(state):
                reason = "the disk is full"
            raise RefusalError(
                f"the checkpoint of step {step} cannot be written to {self._folder}: {reason}; "
                f"{free / 1e9:.1f} GB were free there: remove what is not needed, and run it again"
            ) from error
        dist.barrier()
        # Only now is this step whole on all ranks, and an older one to spare.
        for old in sorted(self._steps())[: -self._keep]:
            self._remove(old)
        return time.monotonic() - began

    def restore(self, trained: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """Put back the newest state that all ranks have, and return its tally; without one, return an empty one.

        Raises:
            RefusalError: there are checkpoints here, and they are another run's.
        """
        own = self._steps()
        if not own:
            self._refuse_those_of_other_ranks()
        candidates = set.intersection(*_gather(own))
        # Read in full before anything is touched: what is damaged on one rank is left out by all.
        while candidates and not all(_gather(self._is_whole(max(candidates)))):
            candidates.remove(max(candidates))
        newest = max(candidates, default=0)
        # What is left out would count as newer than all that is written from here on, and take its place.
        for step in own:
            if step > newest:
                self._remove(step)
        return self._load(newest, trained, optimizer) if newest else {}

    def clear(self) -> None:
        """Remove all that is here, whatever rank wrote it: the run has its result."""
        for told in self._folder.glob("step-*.json"):
            told.unlink(missing_ok=True)
        for path in self._folder.glob("step-*.pt"):
            path.unlink(missing_ok=True)

    def _steps(self) -> set[int]:
        steps = set()
        for path in self._folder.glob(f"step-*-rank{self._world.rank}.json"):
            if (told := _read(path)) is None:
                continue
            if other := [name for name, value in self._identity.items() if told["identity"].get(name) != value]:
                raise self._of_another_run(f"checkpoints of another run: {', '.join(other)} changed since")
            steps.add(int(path.name.split("-")[1]))
        return steps

    def _refuse_those_of_other_ranks(self) -> None:
        ranks = {path.stem.partition("-rank")[2] for path in self._folder.glob("step-*.json")} - {str(self._world.rank)}
        if ranks:
            raise self._of_another_run(
                f"checkpoints of rank {' and '.join(sorted(ranks))} and none of rank {self._world.rank}: "
                "the order of the nodes changed since"
            )

    def _of_another_run(self, what: str) -> RefusalError:
        return RefusalError(
            f"{self._folder} has {what}: put it back, or remove that folder on every node to begin anew"
        )

    def _is_whole(self, step: int) -> bool:
        path = self._path(step)
        told = _read(path.with_suffix(".json"))
        return told is not None and path.is_file() and _sha256(path) == told["sha256"]

    def _load(self, step: int, trained: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        state = torch.load(self._path(step), map_location=self._world.device, weights_only=True)
        with torch.no_grad():
            for name, parameter in trained.items():
                _local(parameter).copy_(state["weights"][name])
                moments = state["moments"][name]
                optimizer.state[parameter] = {key: _like(parameter, value) for key, value in moments.items()}
        torch.set_rng_state(state["random"]["cpu"].cpu())
        if self._world.device.type == "cuda":
            torch.cuda.set_rng_state(state["random"]["cuda"].cpu(), self._world.device)
        tally: dict[str, Any] = state["tally"]
        return tally

    def _path(self, step: int) -> Path:
        return self._folder / f"step-{step:08}-rank{self._world.rank}.pt"

    def _remove(self, step: int) -> None:
        # First what says that it is there.
        self._path(step).with_suffix(".json").unlink(missing_ok=True)
        self._path(step).unlink(missing_ok=True)


def _write_durably(path: Path, write: Any) -> None:
    partial = path.with_name(f".{path.name}.partial")
    write(partial)
    sync(partial)
    partial.rename(path)
    sync(path.parent)


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a checkpoint tells of itself, or None where that is damaged."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {"identity": dict(told["identity"]), "sha256": str(told["sha256"])}
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _local(value: Any) -> Any:
    """This rank's part of a tensor."""
    return value.to_local() if isinstance(value, DTensor) else value


def _like(parameter: Tensor, value: Any) -> Any:
    """Make a moment again what it was beside a sharded parameter; the count of steps is no shard."""
    if not isinstance(parameter, DTensor) or value.shape != _local(parameter).shape:
        return value
    mesh, placements = parameter.device_mesh, parameter.placements
    return DTensor.from_local(value, mesh, placements, shape=parameter.shape, stride=parameter.stride())


def _bytes(state: dict[str, Any]) -> int:
    """How much the tensors of a state take."""
    each = (_bytes(value) if isinstance(value, dict) else getattr(value, "nbytes", 0) for value in state.values())
    return sum(each)


def _random_state(device: torch.device) -> dict[str, Tensor]:
    state = {"cpu": torch.get_rng_state()}
    return state | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def _gather(value: Any) -> list[Any]:
    gathered = [value] * dist.get_world_size()
    dist.all_gather_object(gathered, value)
    return gathered
