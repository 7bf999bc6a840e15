"""A pytest plugin for a run that is to be killed: as `kill -9` would, at the Nth moment at which it hurts most.

Those moments are: after each journal record, after its copy on the node (so just before the change), after the change
itself (so just before the record that it is done), and before and after each change that is taken back.
"""

import functools
import itertools
import os
import signal
from collections.abc import Callable
from typing import Any

import engine.undo
from engine import node_journal
from engine.journal import Journal

VARIABLE = "SPARK_RUNBOOK_TEST_KILLED_AT"
_moments = itertools.count(1)


def _moment() -> None:
    if next(_moments) == int(os.environ[VARIABLE]):
        os.kill(os.getpid(), signal.SIGKILL)


def _around(real: Callable[..., Any], *, before: bool = False, after: bool = False) -> Callable[..., Any]:
    @functools.wraps(real)
    def watched(*args: Any, **named: Any) -> Any:
        if before:
            _moment()
        result = real(*args, **named)
        if after:
            _moment()
        return result

    return watched


def pytest_configure() -> None:
    """Watch this process's own journal and changes."""
    Journal._append = _around(Journal._append, after=True)  # type: ignore[method-assign]
    Journal.mark = _around(Journal.mark, before=True)  # type: ignore[method-assign]
    node_journal.keep = _around(node_journal.keep, after=True)
    engine.undo.take_back = _around(engine.undo.take_back, before=True, after=True)
