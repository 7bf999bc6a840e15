"""Adapters without detours: the arithmetic of peft's LoRA layer, in fewer passes over memory.

Peft computes `W x + s B (A x)` as separate operations that each read and write activations, and casts those to float32
and back because the adapter's weights are in float32. Here the low-rank part is added by the matrix product itself,
forward and backward, and it is the small weights that are cast. Shapes, names and files stay peft's.
"""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch import Tensor, nn


def streamline(model: nn.Module) -> int:
    """Have a model's plain adapters computed this way, and return how many; others stay with peft."""
    plain = [layer for layer in model.modules() if type(layer) is Linear and _is_plain(layer)]
    for layer in plain:
        layer.__class__ = StreamlinedLinear
    return len(plain)


def _is_plain(layer: Any) -> bool:
    """Whether it is one adapter without dropout, bias or variant, beside a linear layer that is not trained."""
    (name, *others) = layer.active_adapters
    return (
        not others
        and type(layer.base_layer) is nn.Linear
        and not layer.base_layer.weight.requires_grad
        and type(layer.lora_dropout[name]) is nn.Identity
        and layer.lora_B[name].bias is None
        and not layer.lora_variant
    )


class StreamlinedLinear(Linear):  # type: ignore[misc]  # peft is not there where types are checked
    """Peft's layer with another forward pass; a class, because torch.compile then sees that all layers are alike."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute the layer with its one adapter."""
        base, (name,) = self.base_layer, self.active_adapters
        down, up = self.lora_A[name].weight, self.lora_B[name].weight
        return _Beside.apply(x, base.weight, base.bias, down, up, self.scaling[name])


class _Beside(torch.autograd.Function):  # type: ignore[misc]  # torch is not there where types are checked
    """x W' + bias + s (x A') B', with W and bias frozen; x is of shape (..., width)."""

    @staticmethod
    def forward(  # noqa: PLR0917 - autograd hands them over one by one
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor, scale: float
    ) -> Tensor:
        flat = x.reshape(-1, x.shape[-1]).to(weight.dtype)
        down, up = down.to(weight.dtype), up.to(weight.dtype)
        low = flat @ down.T
        result = nn.functional.linear(flat, weight, bias)
        result.addmm_(low, up.T, alpha=scale)
        ctx.save_for_backward(flat, weight, down, up, low)
        ctx.scale, ctx.shape, ctx.dtype = scale, x.shape, x.dtype
        return result.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        flat, weight, down, up, low = ctx.saved_tensors
        above = upstream.reshape(-1, upstream.shape[-1])
        between = above @ up
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = above @ weight
            to_x.addmm_(between, down, alpha=ctx.scale)
            to_x = to_x.view(ctx.shape).to(ctx.dtype)
        to_down = (between.T @ flat).float().mul_(ctx.scale)
        to_up = (above.T @ low).float().mul_(ctx.scale)
        return to_x, None, None, to_down, to_up, None
