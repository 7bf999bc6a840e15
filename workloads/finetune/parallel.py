"""How a model is spread over the ranks: whole on each (data parallel), or in shards (FSDP2)."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from .world import World


def spread(model: Any, world: World) -> Any:
    """Return the model ready for a step on all ranks: sharded layer by layer, or replicated."""
    if not world.sharded:
        return DistributedDataParallel(model, gradient_as_bucket_view=True)
    mesh = init_device_mesh(world.device.type, (world.size,))
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    layers = set(base._no_split_modules)
    for module in base.modules():
        if type(module).__name__ in layers:
            fully_shard(module, mesh=mesh)
    return fully_shard(model, mesh=mesh)


def unwrapped(model: Any) -> Any:
    """Return the model without the wrapper that replicates it."""
    return model.module if isinstance(model, DistributedDataParallel) else model


@contextmanager
def gradient_sync(model: Any, wanted: bool) -> Iterator[None]:
    """Exchange gradients in this backward pass, or leave them to add up until the last round of accumulation."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(wanted)
        yield
    elif wanted:
        yield
    else:
        with model.no_sync():
            yield


def full(tensor: Tensor) -> Tensor:
    """Return a tensor in full; for a shard all ranks have to call this together."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def collect_trained(model: nn.Module, keep: bool) -> tuple[dict[str, Tensor], str]:
    """Go once over the trained parameters, in full; all ranks have to call this together.

    Args:
        model: unwrapped, sharded or not.
        keep: whether this rank wants the tensors, on the CPU; without, the dictionary stays empty.

    Returns:
        The tensors by name, and the SHA-256 over every name, type and content: equal on all ranks if all is well.
    """
    digest = hashlib.sha256()
    kept: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            tensor = full(parameter.detach()).cpu().contiguous()
            digest.update(f"{name} {tensor.dtype}".encode())
            digest.update(tensor.view(-1).view(dtype=torch.uint8).numpy().tobytes())
            if keep:
                kept[name] = tensor
    return kept, digest.hexdigest()
