"""How a model is spread over the ranks: whole on each (data parallel), or in shards (FSDP2)."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from .model import layers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from .batches import Batch
    from .objective import Objective
    from .world import World


def spread(objective: Objective, world: World) -> Any:
    """Return the model and its loss ready for a step on all ranks: sharded layer by layer, or replicated.

    Shards of what is trained are in float32, and so are the sums of gradients; what travels and is computed with is in
    the recipe's type.
    """
    if world.sharded:
        mesh = init_device_mesh(world.device.type, (world.size,))
        policy = MixedPrecisionPolicy(param_dtype=objective.dtype, reduce_dtype=torch.float32)
        for part in (*layers_of(objective.model), objective):
            _widen(part)
            fully_shard(part, mesh=mesh, mp_policy=policy)
        return objective
    if world.size == 1:
        return objective
    return DistributedDataParallel(objective, gradient_as_bucket_view=True, broadcast_buffers=False)


def _widen(part: nn.Module) -> None:
    """Give a part's weights that are trained the precision that small updates need; sharding it makes room again."""
    for parameter in part.parameters():
        if parameter.requires_grad and not isinstance(parameter, DTensor):
            parameter.data = parameter.data.float()


def exchange_once(objective: Any, batch: Batch) -> None:
    """Exchange the gradients of any batch where the model is replicated, and throw them away.

    After the first exchange DistributedDataParallel orders gradients anew for all that follow. Sums of three ranks and
    more would differ by rounding between a run that carries on, whose first step comes before that, and one that never
    stopped.
    """
    if isinstance(objective, DistributedDataParallel):
        objective(batch).backward()
        objective.zero_grad()


def unwrapped(objective: Any) -> Any:
    """Return the objective without the wrapper that replicates it."""
    return objective.module if isinstance(objective, DistributedDataParallel) else objective


def forget_weights(objective: Any) -> None:
    """Let go of weights that were gathered for a forward pass without a backward pass.

    Of its outermost module FSDP2 would keep them, and not notice that training changed them (seen in torch 2.13).
    """
    if isinstance(objective, FSDPModule):
        objective.reshard()


@contextmanager
def gradient_sync(objective: Any, wanted: bool) -> Iterator[None]:
    """Exchange gradients in this backward pass, or leave them to add up until the last round of accumulation."""
    if isinstance(objective, FSDPModule):
        objective.set_requires_gradient_sync(wanted)
    if isinstance(objective, DistributedDataParallel) and not wanted:
        with objective.no_sync():
            yield
    else:
        yield


def full(tensor: Tensor) -> Tensor:
    """Return a tensor in full; for a shard all ranks have to call this together."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def collect_trained(weights: dict[str, Tensor], keep: bool) -> tuple[dict[str, Tensor], str]:
    """Go once over the trained weights, in full; all ranks have to call this together.

    Args:
        weights: by name, sharded or not.
        keep: whether this rank wants the tensors, on the CPU; without, the dictionary stays empty.

    Returns:
        The tensors by name, and the SHA-256 over every name, type and content: equal on all ranks if all is well.
    """
    digest = hashlib.sha256()
    kept: dict[str, Tensor] = {}
    for name, weight in weights.items():
        tensor = full(weight.detach()).cpu().contiguous()
        digest.update(f"{name} {tensor.dtype}".encode())
        digest.update(tensor.view(-1).view(dtype=torch.uint8).numpy().tobytes())
        if keep:
            kept[name] = tensor
    return kept, digest.hexdigest()
