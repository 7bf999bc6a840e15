"""A rank that keeps the others waiting is named once, and only when it matters."""

from __future__ import annotations

from workloads.finetune.pace import WINDOW, Pace, Straggler


def _told(*own_s: float, steps: int = 2 * WINDOW) -> list[Straggler]:
    pace = Pace(len(own_s))
    return [slow for _ in range(steps) if (slow := pace.straggler_after(list(own_s)))]


def test_a_rank_that_takes_twice_as_long_is_named_once() -> None:
    assert _told(1.0, 2.0) == [Straggler(rank=1, times=2.0)]


def test_ranks_that_differ_by_a_little_are_no_stragglers() -> None:
    assert _told(1.0, 1.2, 0.9) == []


def test_steps_so_short_that_nobody_waits_are_not_worth_a_word() -> None:
    assert _told(0.01, 0.05) == []


def test_a_few_slow_steps_are_not_taken_for_a_slow_rank() -> None:
    pace = Pace(2)
    own_s = [[1.0, 9.0]] * 5 + [[1.0, 1.0]] * WINDOW
    assert [pace.straggler_after(each) for each in own_s] == [None] * len(own_s)


def test_nothing_is_said_after_less_than_a_window() -> None:
    assert _told(1.0, 9.0, steps=WINDOW - 1) == []


def test_a_lone_rank_waits_for_nobody() -> None:
    assert _told(1.0) == []
