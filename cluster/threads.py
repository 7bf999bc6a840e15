"""Threads for what is done on several nodes at once, which nobody has to wait for who ends a run."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

BREAKING_OFF_S = 1.0
"""So long those that were broken off get to notice it."""

_BROKEN_OFF: ContextVar[threading.Event | None] = ContextVar("broken_off", default=None)


def broken_off() -> bool:
    """Whether whoever began the work of this thread was interrupted: what fails here then is an interrupt, too."""
    interrupted = _BROKEN_OFF.get()
    return interrupted is not None and interrupted.is_set()


def begin(do: Callable[[], object]) -> Future[None]:
    """Begin something on a thread that the end of the program does not wait for, as it would for those of a pool."""
    begun = Future[None]()

    def work() -> None:
        try:
            do()
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            begun.set_exception(error)
        else:
            begun.set_result(None)

    threading.Thread(target=work, daemon=True).start()
    return begun


def on_each(do: Callable[[T], R], todo: Iterable[T], give_up: Callable[[T], object], at_most: int = 1000) -> list[R]:
    """Do something with several at once and return the results in their order, or raise the first failure.

    Whoever is interrupted meanwhile waits no longer: `give_up` then has to break off what still goes on with one.
    """
    works = [_Work(do, item) for item in todo]
    left = deque(works)
    interrupted = _BROKEN_OFF.get() or threading.Event()

    def go_through() -> None:
        with suppress(IndexError):  # another thread took the last one
            while True:
                one = left.popleft()
                if any(other.failed for other in works):
                    one.skip()
                else:
                    one.run(interrupted)

    try:
        for _ in works[:at_most]:
            threading.Thread(target=go_through, daemon=True).start()
        wait([one.future for one in works])
    except BaseException:
        interrupted.set()
        left.clear()
        going_on = [one for one in works if one.future.running()]
        # At once, since a connection that hangs takes its time even for its end.
        ends: list[Future[Any]] = [begin(partial(give_up, one.item)) for one in going_on]
        wait([*ends, *(one.future for one in going_on)], timeout=BREAKING_OFF_S)
        raise
    return [one.future.result() for one in works]


class _Work(Generic[T, R]):
    """What is done with one of several."""

    def __init__(self, do: Callable[[T], R], item: T) -> None:
        self.item = item
        self.future = Future[R]()
        self.failed = False
        self._do = do
        self._context = copy_context()

    def skip(self) -> None:
        """Leave it undone, as a pool does with what comes after a failure."""
        self.future.cancel()
        self.future.set_running_or_notify_cancel()

    def run(self, interrupted: threading.Event) -> None:
        """Do it; who asks for the result gets the failure as well."""
        self.future.set_running_or_notify_cancel()
        self._context.run(_BROKEN_OFF.set, interrupted)
        try:
            result = self._context.run(self._do, self.item)
        except BaseException as error:  # noqa: BLE001 - told to whoever asks for the result
            self.failed = True
            self.future.set_exception(error)
        else:
            self.future.set_result(result)
