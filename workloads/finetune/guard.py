"""Refuses to train unless the ranks are one job that runs the same thing.

`accelerate launch` can start two jobs of one rank each where one of two was meant, and both end with status 0. So the
world is checked against what the caller asked for, and whatever must be equal on all ranks is compared.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import socket
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, TypeVar

import torch.distributed as dist

from .refusal import RefusalError

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

PACKAGES = ("torch", "transformers", "accelerate", "peft", "datasets")
FINGERPRINT_ELEMENTS = 1024
NOT_OF_THE_MODEL = {"_name_or_path", "transformers_version"}
"""Settings that tell where and by what a model was loaded."""


def check_world(expected: int) -> None:
    """Compare the world that the launcher formed with the one that was asked for.

    Raises:
        RefusalError: they differ, which is how two jobs of one rank each look from within.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world != expected:
        raise RefusalError(
            f"the launcher formed a job of {world} instead of {expected} ranks: "
            "compare num_processes, num_machines and distributed_type in accelerate.yaml"
        )


def check_ranks() -> None:
    """Make sure that every rank is another process.

    Raises:
        RefusalError: two ranks are the same process, or a rank is missing.
    """
    ranks = _gather((dist.get_rank(), socket.gethostname(), os.getpid()))
    if [rank for rank, *_ in ranks] != list(range(dist.get_world_size())) or len(set(ranks)) != len(ranks):
        raise RefusalError(f"the ranks are not distinct: {ranks}")


def agree(what: str, value: str, remedy: str) -> None:
    """Compare a value over all ranks.

    Raises:
        RefusalError: on every rank, naming what differs, on which ranks and hosts.
    """
    told = _gather((socket.gethostname(), value))
    if len({each for _, each in told}) > 1:
        listed = ", ".join(f"rank {rank} ({host}) has {each}" for rank, (host, each) in enumerate(told))
        raise RefusalError(f"the ranks differ in {what}: {listed}: {remedy}")


def versions() -> dict[str, str]:
    """Return the version of Python and of every package that can change a result."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def fingerprint(model: nn.Module) -> str:
    """Digest a model's settings, and its parameters' names, shapes, types and leading elements.

    It tells two models apart without reading all of their weights; sums would depend on the number of threads.
    """
    settings = {name: value for name, value in model.config.to_dict().items() if name not in NOT_OF_THE_MODEL}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, parameter in model.named_parameters():
        leading = parameter.detach().flatten()[:FINGERPRINT_ELEMENTS].float().cpu()
        digest.update(f"{name} {tuple(parameter.shape)} {parameter.dtype}".encode())
        digest.update(leading.numpy().tobytes())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _gather(value: T) -> list[T]:
    gathered: list[T] = [value] * dist.get_world_size()
    dist.all_gather_object(gathered, value)
    return gathered
