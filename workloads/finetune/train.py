"""The training loop: one loss per real target token, counted over all ranks."""

from __future__ import annotations

import math
import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch.nn import functional

from .data import IGNORED, Batch, Example, count_steps, steps_of
from .model import DTYPES
from .parallel import full, gradient_sync
from .refusal import RefusalError

if TYPE_CHECKING:
    from torch import Tensor

    from .metrics import Metrics
    from .recipe import Recipe
    from .watchdog import Watchdog
    from .world import World


@dataclass(frozen=True)
class Result:
    """What a run came to: losses per target token of the first and last step; tokens of all ranks; seconds."""

    loss_first: float
    loss_last: float
    tokens: int
    tokens_per_s: float
    seconds: float


def train(
    model: Any,
    examples: list[Example],
    pad_id: int,
    recipe: Recipe,
    world: World,
    *,
    metrics: Metrics,
    watchdog: Watchdog,
) -> Result:
    """Train, telling every step.

    Raises:
        RefusalError: a loss or a gradient is not finite; the weights are as they were before that step.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=recipe.learning_rate, fused=world.device.type == "cuda")
    steps = count_steps(len(examples), world.size, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: _rate(done, steps, recipe.warmup_steps))
    losses: list[float] = []
    tokens: list[int] = []
    seconds: list[float] = []
    for step, rounds in enumerate(steps_of(examples, recipe, world.rank, world.size, pad_id, steps), 1):
        watchdog.expect(f"in step {step} of {steps}", recipe.timeouts.step_s)
        began = time.monotonic()
        loss, step_tokens = _step(model, rounds, recipe, world, step)
        norm = full(torch.nn.utils.clip_grad_norm_(trained, recipe.max_grad_norm))
        if not torch.isfinite(norm):
            raise RefusalError(f"the gradients of step {step} are not finite: lower learning_rate")
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss)
        tokens.append(step_tokens)
        seconds.append(time.monotonic() - began)
        metrics.emit(
            "step",
            step=step,
            steps=steps,
            loss=round(loss, 6),
            tokens=step_tokens,
            tokens_per_s=round(step_tokens / seconds[-1], 1),
            step_s=round(seconds[-1], 4),
            memory_mb=_peak_memory_mb(world.device),
        )
    # The first step also sets up communicators and kernels: it says little about the ones that follow.
    steady = slice(1, None) if steps > 1 else slice(None)
    return Result(
        loss_first=losses[0],
        loss_last=losses[-1],
        tokens=sum(tokens),
        tokens_per_s=round(sum(tokens[steady]) / sum(seconds[steady]), 1),
        seconds=round(sum(seconds), 3),
    )


def token_loss(model: Any, batch: Batch, recipe: Recipe) -> Tensor:
    """Return the sum of the losses of a batch's target tokens, in float32."""
    logits = forward(model, batch, recipe)[:, :-1]
    targets = batch.labels[:, 1:]
    counted = targets != IGNORED
    return functional.cross_entropy(logits[counted].float(), targets[counted], reduction="sum")


def forward(model: Any, batch: Batch, recipe: Recipe) -> Tensor:
    """Return the logits of a batch, of shape (rows, length, vocabulary), computed in the recipe's type."""
    dtype = DTYPES[recipe.dtype]
    with torch.autocast(batch.input_ids.device.type, dtype, enabled=dtype != torch.float32):
        logits: Tensor = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    return logits


def _step(model: Any, rounds: list[Batch], recipe: Recipe, world: World, step: int) -> tuple[float, int]:
    """Fill the gradients of one step, and return its loss and its real tokens, both over all ranks."""
    counts = torch.tensor([sum(batch.targets for batch in rounds), sum(batch.tokens for batch in rounds)])
    dist.all_reduce(counts)
    targets, tokens = counts.tolist()
    summed = torch.zeros((), device=world.device)
    for number, batch in enumerate(rounds, 1):
        with gradient_sync(model, wanted=number == len(rounds)):
            loss = token_loss(model, batch.to(world.device), recipe)
            # Gradients are averaged over the ranks, and the loss is a mean over the tokens of all ranks.
            (loss * world.size / targets).backward()
        summed += loss.detach()
    # One slot for the sum, and one a rank to name the rank whose loss is not finite.
    told = torch.zeros(1 + world.size)
    told[0] = summed
    told[1 + world.rank] = not torch.isfinite(summed)
    dist.all_reduce(told)
    culprits = [rank for rank in range(world.size) if told[1 + rank]]
    if culprits:
        named = " and ".join(str(rank) for rank in culprits)
        raise RefusalError(
            f"the loss of step {step} is not finite on rank {named}: lower learning_rate, look at the data"
        )
    return told[0].item() / targets, tokens


def _rate(done: int, steps: int, warmup: int) -> float:
    """Rise linearly over the warm-up, then fall along a cosine to a tenth."""
    if done < warmup:
        return (done + 1) / (warmup + 1)
    return 0.55 + 0.45 * math.cos(math.pi * (done - warmup) / max(1, steps - warmup))


def _peak_memory_mb(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device)) // 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**10
