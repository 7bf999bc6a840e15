"""The training loop: one loss per real target token, counted over all ranks."""

from __future__ import annotations

import math
import resource
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist

from .pace import Pace
from .parallel import gradient_sync
from .refusal import RefusalError

if TYPE_CHECKING:
    from .batches import Course, Step
    from .checkpoints import Checkpoints
    from .metrics import Metrics
    from .optimizer import Optimizer
    from .watchdog import Watchdog
    from .world import World


@dataclass
class Tally:
    """What a run has come to: losses per target token of its first and last step; tokens of all ranks; seconds.

    The steady figures leave out the first step after every start, which also sets up communicators and kernels.
    """

    step: int = 0
    loss_first: float = math.nan
    loss_last: float = math.nan
    tokens: int = 0
    seconds: float = 0.0
    steady_tokens: int = 0
    steady_seconds: float = 0.0

    def add(self, loss: float, tokens: int, seconds: float, steady: bool) -> None:
        """Count one step."""
        self.step += 1
        self.loss_first = loss if self.step == 1 else self.loss_first
        self.loss_last = loss
        self.tokens += tokens
        self.seconds += seconds
        if steady:
            self.steady_tokens += tokens
            self.steady_seconds += seconds

    @property
    def tokens_per_s(self) -> float:
        """Real tokens of all ranks per second."""
        steady = self.steady_seconds > 0
        return (self.steady_tokens / self.steady_seconds) if steady else self.tokens / max(self.seconds, 1e-9)

    def as_event(self) -> dict[str, Any]:
        """Return what the event of the end tells."""
        told = {name: value for name, value in asdict(self).items() if not name.startswith(("steady", "step"))}
        return told | {"tokens_per_s": round(self.tokens_per_s, 1), "seconds": round(self.seconds, 3)}


def train(
    objective: Any,
    optimizer: Optimizer,
    course: Course,
    world: World,
    *,
    checkpoints: Checkpoints,
    metrics: Metrics,
    watchdog: Watchdog,
) -> Tally:
    """Train along a course, from the last checkpoint if there is one, telling every step.

    Raises:
        RefusalError: a loss or a gradient is not finite; the weights are as they were before that step.
    """
    recipe, steps = course.recipe, course.count_steps()
    tally = Tally(**checkpoints.restore(optimizer.weights, optimizer.adam))
    if tally.step:
        optimizer.renew_copies()
        metrics.emit("resumed", step=tally.step, steps=steps)
    pace = Pace(world.size)
    started = tally.step
    todo = range(tally.step, steps)
    for number, step in zip(todo, course.steps(todo), strict=True):
        watchdog.expect(f"in step {number + 1} of {steps}", recipe.timeouts.step_s)
        began = time.monotonic()
        loss, own_s = _gradients(objective, step, world, number + 1)
        if not optimizer.step(recipe.learning_rate * _rate(number, steps, recipe.warmup_steps)):
            raise RefusalError(f"the gradients of step {number + 1} are not finite: lower learning_rate")
        seconds = time.monotonic() - began
        tally.add(loss, step.tokens, seconds, steady=number > started)
        metrics.emit(
            "step",
            step=number + 1,
            steps=steps,
            loss=round(loss, 6),
            tokens=step.tokens,
            tokens_per_s=round(step.tokens / seconds, 1),
            step_s=round(seconds, 4),
            ranks_s=[round(each, 4) for each in own_s],
            memory_mb=_peak_memory_mb(world.device),
        )
        if slow := pace.straggler_after(own_s):
            metrics.emit("straggler", straggler=slow.rank, host=world.hosts[slow.rank], times=round(slow.times, 2))
        if recipe.checkpoint_every and tally.step % recipe.checkpoint_every == 0 and tally.step < steps:
            watchdog.expect(f"writing the checkpoint of step {tally.step}", recipe.timeouts.load_s)
            written_s = checkpoints.write(tally.step, optimizer.weights, optimizer.adam, asdict(tally))
            metrics.emit("checkpoint", step=tally.step, seconds=round(written_s, 3))
    return tally


def _gradients(objective: Any, step: Step, world: World, number: int) -> tuple[float, list[float]]:
    """Fill the gradients of one step; return its loss over all ranks, and how long each rank took for its own part.

    The own part ends with the last forward pass: what follows waits for the other ranks.
    """
    began = time.monotonic()
    summed = torch.zeros((), device=world.device)
    for turn, batch in enumerate(step.rounds, 1):
        last = turn == len(step.rounds)
        with gradient_sync(objective, wanted=last):
            loss = objective(batch.to(world.device))
            summed += loss.detach()
            if last:
                share = summed.item()
                world.progress.mark(number)
                total, own_s = _compare(share, time.monotonic() - began, world, number)
            # Gradients are averaged over the ranks, and the loss is a mean over the tokens of all ranks.
            (loss * world.size / step.targets).backward()
    return total / step.targets, own_s


def _compare(share: float, own_s: float, world: World, number: int) -> tuple[float, list[float]]:
    """Add up the ranks' losses, and gather their times.

    Raises:
        RefusalError: on every rank, if a rank's loss is not finite.
    """
    per_rank = torch.zeros(2, world.size, dtype=torch.float64)
    per_rank[:, world.rank] = torch.tensor([share, own_s], dtype=torch.float64)
    dist.all_reduce(per_rank)
    culprits = [str(rank) for rank in range(world.size) if not math.isfinite(per_rank[0, rank])]
    if culprits:
        raise RefusalError(
            f"the loss of step {number} is not finite on rank {' and '.join(culprits)}: "
            "lower learning_rate, look at the data"
        )
    return per_rank[0].sum().item(), per_rank[1].tolist()


def _rate(done: int, steps: int, warmup: int) -> float:
    """Rise linearly over the warm-up, then fall along a cosine to a tenth."""
    if done < warmup:
        return (done + 1) / (warmup + 1)
    return 0.55 + 0.45 * math.cos(math.pi * (done - warmup) / max(1, steps - warmup))


def _peak_memory_mb(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device)) // 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**10
