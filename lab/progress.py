"""Saying what is being done, how long it takes and how far it is."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status


class Step:
    """One piece of work under way."""

    def __init__(self, title: str, status: Status | None) -> None:
        """Begin; `status` is the line to keep current on a terminal, None where there is none."""
        self._title = title
        self._status = status
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self._start

    def say(self, how_far: str) -> None:
        """Tell how far the work is."""
        line = f"{self._title}: {how_far} ({self.seconds:.0f} s)"
        if self._status is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._status.update(line)


@contextmanager
def step(title: str, expected: str) -> Iterator[Step]:
    """Announce a piece of work, and say how long it took when it is done.

    Args:
        title: what is done.
        expected: how long it usually takes, in words.
    """
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        with console.status(f"{title} ({expected})") as status:
            work = Step(title, status)
            yield work
        console.print(f"{title}: done in {work.seconds:.1f} s")
    else:
        print(f"{title} ({expected}) ...", file=sys.stderr, flush=True)
        work = Step(title, None)
        yield work
        print(f"{title}: done in {work.seconds:.1f} s", file=sys.stderr, flush=True)
