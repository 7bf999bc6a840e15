"""Root mean square normalisation in one pass over the activations, where models compute it in six."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# One rounding instead of two, in the type computed in; another definition, as with weights that count from one, differs
# by far more.
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 2e-2, torch.float16: 4e-3}


def fuse_norms(model: nn.Module) -> int:
    """Have a model's plain norms computed by PyTorch's own operation, and return how many; others stay as they are.

    Which are plain is found by trying: classes of that name mean different things in different models.
    """
    plain = [layer for layer in model.modules() if type(layer).__name__.endswith("RMSNorm") and _is_plain(layer)]
    for layer in plain:
        layer.fused_epsilon = _epsilon(layer)
        layer.__class__ = FusedRMSNorm
    return len(plain)


class FusedRMSNorm(nn.Module):  # type: ignore[misc]  # torch is not there where types are checked
    """What a norm of any model becomes; a class, because torch.compile then sees that all are alike."""

    weight: Tensor
    fused_epsilon: float

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Normalise the last dimension."""
        return _norm(hidden_states, self.weight, self.fused_epsilon)


def _norm(hidden: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    return functional.rms_norm(hidden, weight.shape, weight.to(hidden.dtype), epsilon)


def _epsilon(layer: Any) -> float | None:
    return getattr(layer, "variance_epsilon", getattr(layer, "eps", None))


def _is_plain(layer: Any) -> bool:
    """Whether a layer computes, for some random numbers, what `_norm` computes with its weight and epsilon."""
    weight, epsilon = getattr(layer, "weight", None), _epsilon(layer)
    if not isinstance(weight, Tensor) or weight.dim() != 1 or not isinstance(epsilon, float):
        return False
    tried = torch.randn(2, len(weight), generator=torch.Generator().manual_seed(0)).to(weight)
    with torch.no_grad():
        try:
            expected = layer(tried)
        except TypeError:
            # It wants more than activations.
            return False
        found = _norm(tried, weight, epsilon)
    if not isinstance(expected, Tensor) or expected.dtype != found.dtype:
        return False
    return bool((found - expected).abs().max() <= TOLERANCE.get(weight.dtype, 0) * expected.abs().max())
