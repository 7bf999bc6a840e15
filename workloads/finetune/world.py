"""The process group: who the ranks are, and on which device this one computes."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

from .refusal import RefusalError


@dataclass(frozen=True)
class World:
    """This rank's place among all ranks."""

    rank: int
    size: int
    host: str
    device: torch.device
    sharded: bool


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


def join(device: torch.device, timeout_s: float) -> World:
    """Form the process group that the launcher's environment describes; alone, a group of one.

    Gloo serves what is on the CPU even where NCCL serves the GPUs: ranks can compare notes before NCCL is tried. Which
    interface they use is told by GLOO_SOCKET_IFNAME and NCCL_SOCKET_IFNAME.

    Args:
        device: what this rank computes on.
        timeout_s: how long one collective may wait for a peer.

    Raises:
        RefusalError: the accelerate configuration asks for FSDP's first version.
    """
    sharded = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    if sharded and os.environ.get("FSDP_VERSION") != "2":
        raise RefusalError("accelerate.yaml shards with FSDP version 1: set fsdp_version: 2")
    backend = "gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl"
    timeout = timedelta(seconds=timeout_s)
    if "MASTER_ADDR" in os.environ:
        dist.init_process_group(backend, timeout=timeout)
    else:
        dist.init_process_group(backend, timeout=timeout, store=dist.HashStore(), rank=0, world_size=1)
    return World(dist.get_rank(), dist.get_world_size(), socket.gethostname(), device, sharded)
