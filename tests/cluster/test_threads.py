"""Several at once: results in their order, the first failure told, and an interrupt that is heard at once."""

import os
import signal
import threading
import time

import pytest

from cluster.threads import broken_off, on_each

PATIENCE_S = 20


def test_results_come_in_their_order_whoever_is_the_first() -> None:
    door = threading.Barrier(3)

    def late(number: int) -> int:
        door.wait(PATIENCE_S)
        time.sleep(0.1 / number)
        return -number

    assert on_each(late, [1, 2, 3], print) == [-1, -2, -3]


def test_no_more_go_on_at_once_than_may() -> None:
    going_on: list[int] = []
    most: list[int] = []

    def count(number: int) -> None:
        going_on.append(number)
        most.append(len(going_on))
        time.sleep(0.01)
        going_on.remove(number)

    on_each(count, range(8), print, at_most=2)
    assert (len(most), max(most)) == (8, 2)


def test_the_first_failure_in_their_order_is_told_when_all_have_ended() -> None:
    ended: list[int] = []

    def fail(number: int) -> None:
        time.sleep(0.1 / (number + 1))
        ended.append(number)
        if number:
            raise ValueError(number)

    with pytest.raises(ValueError, match=r"^1$"):
        on_each(fail, range(3), print)
    assert sorted(ended) == [0, 1, 2]


def test_what_comes_after_a_failure_is_not_begun() -> None:
    begun: list[int] = []

    def fail(number: int) -> None:
        begun.append(number)
        raise ValueError(number)

    with pytest.raises(ValueError, match=r"^0$"):
        on_each(fail, range(9), print, at_most=1)
    assert begun == [0]


def test_an_interrupt_gives_up_those_that_go_on_and_waits_for_nothing_else() -> None:
    gates = [threading.Event(), threading.Event(), threading.Event()]
    told: list[tuple[int, bool]] = []

    def wait(number: int) -> None:
        if number == 1:
            # The other ones are at it, or soon will be.
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            return
        gates[number].wait(PATIENCE_S)
        told.append((number, broken_off()))

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        # Nothing ends the third before its time.
        on_each(wait, range(3), lambda number: gates[number].set() if number == 0 else None)
    assert time.monotonic() - started < 5
    assert told == [(0, True)]
    gates[2].set()
    assert not broken_off()
