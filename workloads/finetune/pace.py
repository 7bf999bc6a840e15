"""Which rank keeps the others waiting."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

WINDOW = 20
"""So many steps are looked at, because a single one may be slow for many reasons."""

SLOWER = 1.5
"""Ranks with the same GPU differ by a few percent; a rank that takes half as long again has a reason."""

WAITED_S = 0.1
"""A step that the others wait less for is not worth a word."""


@dataclass(frozen=True)
class Straggler:
    """A rank that takes so many times as long for its own part of a step as the fastest one."""

    rank: int
    times: float


class Pace:
    """Follows how long each rank takes for its own part of a step."""

    def __init__(self, ranks: int) -> None:
        """Start with nothing known."""
        self._seconds = [deque[float](maxlen=WINDOW) for _ in range(ranks)]
        self._named: int | None = None

    def straggler_after(self, own_s: list[float]) -> Straggler | None:
        """Take one step's times, in seconds by rank; return a straggler that was not named before."""
        for kept, seconds in zip(self._seconds, own_s, strict=True):
            kept.append(seconds)
        if len(self._seconds[0]) < WINDOW:
            return None
        usual = [median(kept) for kept in self._seconds]
        slowest, fastest = max(usual), min(usual)
        if slowest < SLOWER * fastest or slowest - fastest < WAITED_S:
            self._named = None
            return None
        rank = usual.index(slowest)
        news = rank != self._named
        self._named = rank
        return Straggler(rank, slowest / fastest) if news else None
