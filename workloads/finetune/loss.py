"""The loss over a large vocabulary, a slice of tokens at a time.

128,256 logits in float32 are half a megabyte for one token, four gigabytes for a row of 8,192: they are never all
there at once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

LOGITS_AT_ONCE = 2**27
"""Half a gigabyte in float32; with 128,256 words still 1,046 tokens, enough to keep a GPU busy."""


def sliced_loss(head: nn.Module, hidden: Tensor, answers: Tensor) -> Tensor:
    """Return the sum of the answers' losses, in float32.

    Args:
        head: the output layer.
        hidden: what predicts the answers, of shape (answers, width).
        answers: the tokens to predict.
    """
    slices = _slices(len(answers), getattr(head, "out_features", 2**17))
    if type(head) is nn.Linear and head.bias is None and not head.weight.requires_grad:
        return _FrozenHead.apply(hidden, head.weight, answers, slices)
    total = torch.zeros((), device=hidden.device)
    for part in slices:
        total = total + checkpoint(_loss, head, hidden[part], answers[part], use_reentrant=False)
    return total


def _slices(count: int, vocabulary: int) -> list[slice]:
    size = max(1, LOGITS_AT_ONCE // vocabulary)
    return [slice(start, start + size) for start in range(0, count, size)]


def _loss(head: nn.Module, hidden: Tensor, answers: Tensor) -> Tensor:
    return functional.cross_entropy(head(hidden).float(), answers, reduction="sum")


class _FrozenHead(torch.autograd.Function):  # type: ignore[misc]  # torch is not there where types are checked
    """The loss behind an output layer that is not trained: its gradient is made along with it, so nothing is kept."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, answers: Tensor, slices: list[slice]) -> Tensor:
        hidden = hidden.to(weight.dtype)
        gradient = torch.empty_like(hidden)
        total = torch.zeros((), device=hidden.device)
        for part in slices:
            logits = (hidden[part] @ weight.T).float()
            wanted = answers[part, None]
            normaliser = logits.logsumexp(-1, keepdim=True)
            total += (normaliser - logits.gather(1, wanted)).sum()
            # The gradient is the probabilities, less one at the answer.
            chances = logits.sub_(normaliser).exp_()
            chances.scatter_add_(1, wanted, torch.full_like(normaliser, -1))
            torch.mm(chances.to(weight.dtype), weight, out=gradient[part])
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream, None, None, None
