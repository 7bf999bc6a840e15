"""What a running job has told so far, rank by rank, and what that means."""

import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from workloads.join_errors import explain_join_failure

KEPT_LINES = 200
"""So many of a rank's last lines are kept as its log."""

FINISHED = "finished"
KILLED = 137
"""The exit status of a program that was ended by SIGKILL."""
LOST = -1
"""The exit status of one that nobody has seen end."""


@dataclass
class Rank:
    """One rank as its events tell it; times are seconds of a monotonic clock."""

    number: int
    node: str
    doing: str = "starting"
    exit: int | None = None
    heard: float = field(default_factory=time.monotonic)
    steps: list[dict[str, Any]] = field(default_factory=list)
    start: dict[str, Any] = field(default_factory=dict)
    saved: dict[str, Any] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    failed_at: float = float("inf")
    log: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))

    @property
    def running(self) -> bool:
        """Whether its launcher has not ended."""
        return self.exit is None

    @property
    def failed(self) -> bool:
        """Whether it said so, or ended with another status than 0, or without having come to the end."""
        return self.error is not None or (not self.running and (self.exit != 0 or not self.end))

    def ended(self, status: int) -> None:
        """Take the exit status of its launcher."""
        self.exit = status
        if self.failed:
            self.failed_at = min(self.failed_at, time.monotonic())

    @property
    def waited_for_others(self) -> bool:
        """Whether all it has to complain about is another rank."""
        words = ("waited ", "lost another rank", "stopped by SIGTERM")
        return self.error is not None and self.error.startswith(words)

    def hear(self, line: str) -> str | None:
        """Take one line; return what a person wants to know of it, if anything."""
        self.heard = time.monotonic()
        event = _event(line)
        if event is None:
            self.log.append(line[:500])
            return None
        match event["event"]:
            case "phase":
                self.doing = str(event.get("phase", "?"))
                return f"rank {self.number}: {self.doing}"
            case "start":
                self.start = event
            case "step":
                self.steps.append(event)
                self.doing = f"step {event.get('step')} of {event.get('steps')}"
                return _step_words(event)
            case "resumed":
                return f"rank {self.number}: carries on after step {event.get('step')}"
            case "straggler":
                return f"rank {event.get('straggler')} on {event.get('host')} takes {event.get('times')} times as long"
            case "saved":
                self.saved = event
            case "end":
                self.end = event
            case "error":
                self.error = str(event.get("message"))
                self.failed_at = min(self.failed_at, self.heard)
        return None

    @property
    def story(self) -> str:
        """What became of it, in one sentence with its last words."""
        who = f"rank {self.number} on {self.node}"
        told = self.error or explain_join_failure("\n".join(self.log))
        if told:
            return f"{who}: {told}"
        words = f"; its last words: {self.log[-1].strip()}" if self.log else ""
        if self.running:
            return f"{who} hangs: not a word for {time.monotonic() - self.heard:.0f} s, at {self.doing}{words}"
        killed = " (killed from outside, as the kernel does where memory runs out)" if self.exit == KILLED else ""
        return f"{who} died with exit {self.exit}{killed}, at {self.doing}{words}"


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith('{"event"'):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _step_words(event: dict[str, Any]) -> str | None:
    try:
        return (
            f"step {event['step']} of {event['steps']}  loss {event['loss']:.3f}  {event['tokens_per_s']:.0f} tokens/s"
        )
    except (KeyError, TypeError, ValueError):
        return None


def guilty(ranks: list[Rank]) -> Rank | None:
    """Name the rank to blame: the first that failed by itself, else the silent one that the others wait for."""
    failed = sorted((rank for rank in ranks if rank.failed), key=lambda rank: rank.failed_at)
    by_itself = [rank for rank in failed if not rank.waited_for_others]
    if by_itself:
        return by_itself[0]
    silent = sorted((rank for rank in ranks if not rank.failed and not rank.end), key=lambda rank: rank.heard)
    return next(iter(silent), failed[0] if failed else None)


@dataclass(frozen=True)
class Training:
    """A job that has ended: `outcome` is FINISHED or the sentence that names the guilty rank."""

    recipe: str
    ranks: list[Rank]
    outcome: str
    seconds: float

    @property
    def numbers(self) -> list[int]:
        """The ranks that took part in the job from start to end."""
        return sorted(rank.number for rank in self.ranks if rank.start and rank.end)

    @property
    def world_sizes(self) -> set[int]:
        """The sizes of the job as each rank saw it: one number if all is well."""
        return {int(rank.start.get("world_size", 0)) for rank in self.ranks}

    @property
    def devices(self) -> set[str]:
        """What the ranks computed on, as CUDA names it."""
        return {str(rank.start.get("device", "something that it did not tell")) for rank in self.ranks}

    @property
    def digests(self) -> list[str]:
        """The checksums of the trained weights, by rank."""
        return [str(rank.end.get("weights_sha256", "none")) for rank in self.ranks]

    @property
    def first_loss(self) -> float:
        """The loss of the first step."""
        return float(self.ranks[0].end.get("loss_first", float("nan")))

    @property
    def last_loss(self) -> float:
        """The loss of the last step."""
        return float(self.ranks[0].end.get("loss_last", float("nan")))

    @property
    def tokens_per_s(self) -> float:
        """Real tokens per second of all ranks together."""
        return float(self.ranks[0].end.get("tokens_per_s", 0.0))

    @property
    def saved(self) -> dict[str, Any]:
        """What rank 0 told of the result: path, and whether it could be loaded again."""
        return self.ranks[0].saved

    def as_report(self) -> dict[str, Any]:
        """Tell the training for report.json."""
        first = self.ranks[0]
        return {
            "recipe": self.recipe,
            "world_size": len(self.ranks),
            "steps": _curve(first, "step", "loss", "tokens_per_s"),
            "tokens_per_s": self.tokens_per_s or None,
            "seconds": round(self.seconds, 1),
            "adapter": self.saved.get("path"),
            "ranks": [
                {
                    "rank": rank.number,
                    "node": rank.node,
                    "weights_sha256": rank.end.get("weights_sha256"),
                    "steps": _curve(rank, "step", "tokens_per_s"),
                }
                for rank in self.ranks
            ],
        }


def _curve(rank: Rank, *names: str) -> list[dict[str, Any]]:
    return [{name: step.get(name) for name in names} for step in rank.steps]
