"""The optimiser: AdamW over weights in float32, also where the model computes with copies of them in 16 bits.

Small updates are lost in 16 bits, so what is trained is kept in float32. To cast all weights in every pass would cost a
fine-tune of all weights more than to keep both, so the model gets copies, which every step renews.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.utils import clip_grad_norm_

from .parallel import full

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .recipe import Recipe


def give_copies(model: nn.Module, dtype: torch.dtype) -> dict[str, Tensor]:
    """Have a model compute with copies in another type of what is trained, and return the originals by name."""
    trained = {name: each for name, each in model.named_parameters() if each.requires_grad and each.dtype != dtype}
    originals = {name: each.data for name, each in trained.items()}
    for parameter in trained.values():
        parameter.data = parameter.data.to(dtype)
    return originals


class Optimizer:
    """AdamW, with the learning rate told anew for every step.

    Attributes:
        weights: what is trained, by name, in float32; this is what a checkpoint and the result hold.
        adam: PyTorch's optimiser over them.
    """

    def __init__(self, model: nn.Module, originals: dict[str, Tensor], recipe: Recipe, device: torch.device) -> None:
        """Take over a model's weights.

        Args:
            model: as it is trained, its weights sharded or not.
            originals: what `give_copies` returned, or nothing.
            recipe: names learning rate and the norm at which gradients are cut.
            device: where the model is.
        """
        trained = {name: each for name, each in model.named_parameters() if each.requires_grad}
        self._copies = {name: trained[name] for name in originals}
        self._max_norm = recipe.max_grad_norm
        self.weights: dict[str, Tensor] = trained | originals
        self.adam = torch.optim.AdamW(self.weights.values(), lr=recipe.learning_rate, fused=device.type == "cuda")

    def step(self, learning_rate: float) -> bool:
        """Step along the gradients and forget them; where they are not finite, only forget them and return False."""
        for name, copy in self._copies.items():
            if copy.grad is not None:
                self.weights[name].grad, copy.grad = copy.grad.float(), None
        finite = bool(full(clip_grad_norm_(self.weights.values(), self._max_norm)).isfinite())
        if finite:
            for group in self.adam.param_groups:
                group["lr"] = learning_rate
            self.adam.step()
            self.renew_copies()
        self.adam.zero_grad()
        return finite

    def renew_copies(self) -> None:
        """Have the model compute with the weights as they are now."""
        with torch.no_grad():
            for name, copy in self._copies.items():
                copy.copy_(self.weights[name])
