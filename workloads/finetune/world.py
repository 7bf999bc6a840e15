"""The process group: who the ranks are, and on which device this one computes."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

from .progress import Progress
from .refusal import RefusalError


@dataclass(frozen=True)
class World:
    """This rank's place among all ranks."""

    rank: int
    hosts: list[str]
    device: torch.device
    sharded: bool
    progress: Progress

    @property
    def size(self) -> int:
        """How many ranks there are."""
        return len(self.hosts)


def choose_device(wanted: str | None) -> torch.device:
    """Return the device of that kind which belongs to this rank; None means a GPU if there is one.

    Raises:
        RefusalError: a GPU is wanted and PyTorch sees none: training must not slip onto the CPU unnoticed.
    """
    if wanted == "cpu" or (wanted is None and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise RefusalError("a GPU is asked for, and PyTorch sees none in this container: run nvidia-smi in it")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


def join(device: torch.device, timeout_s: float, sharded: bool) -> World:
    """Form the process group that the launcher's environment describes; alone, a group of one.

    Gloo serves what is on the CPU even where NCCL serves the GPUs: ranks can compare notes before NCCL is tried. Which
    interface they use is told by GLOO_SOCKET_IFNAME and NCCL_SOCKET_IFNAME.

    Args:
        device: what this rank computes on.
        timeout_s: how long one collective may wait for a peer.
        sharded: whether the model is to be sharded even if accelerate.yaml does not say so.

    Raises:
        RefusalError: the accelerate configuration asks for FSDP's first version.
    """
    asked_by_accelerate = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    if asked_by_accelerate and os.environ.get("FSDP_VERSION") != "2":
        raise RefusalError("accelerate.yaml shards with FSDP version 1: set fsdp_version: 2")
    backend = "gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl"
    timeout = timedelta(seconds=timeout_s)
    store, rank, size = _meet()
    dist.init_process_group(
        backend, timeout=timeout, store=dist.PrefixStore("group", store), rank=rank, world_size=size
    )
    hosts = [""] * size
    dist.all_gather_object(hosts, socket.gethostname())
    return World(rank, hosts, device, sharded or asked_by_accelerate, Progress(store, rank, hosts))


def _meet() -> tuple[dist.Store, int, int]:
    """Return the store that all ranks share, this rank, and how many there are."""
    if "MASTER_ADDR" not in os.environ:
        return dist.HashStore(), 0, 1
    store, rank, size = next(iter(dist.rendezvous("env://")))
    return store, rank, size
