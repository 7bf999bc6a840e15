"""Saying what is being done, how long it takes and how far it is."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Step:
    """One piece of work under way."""

    def __init__(self, title: str, line: Progress | None) -> None:
        """Begin; `line` is what to keep current on a terminal, None where there is none."""
        self._title = title
        self._line = line
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self._start

    def say(self, how_far: str) -> None:
        """Tell how far the work is."""
        if self._line is None:
            print(f"{self._title}: {how_far} ({self.seconds:.0f} s)", file=sys.stderr, flush=True)
        else:
            self._line.update(self._line.task_ids[0], description=f"{self._title}: {how_far}")


@contextmanager
def step(title: str, expected: str) -> Iterator[Step]:
    """Announce a piece of work, and say how long it took when it is done.

    Args:
        title: what is done.
        expected: how long it usually takes, in words.
    """
    console = Console(stderr=True, highlight=False)
    opening = f"{title} ({expected})"
    if console.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as line:
            line.add_task(opening)
            work = Step(title, line)
            yield work
    else:
        print(f"{opening} ...", file=sys.stderr, flush=True)
        work = Step(title, None)
        yield work
    print(f"{title}: done in {work.seconds:.1f} s", file=sys.stderr, flush=True)
