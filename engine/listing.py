"""The checks of runbook/ as plain lines: `pytest runbook --list`."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from types import ModuleType

from engine.catalogue import checks_of, modules, repair
from engine.check import Check, title_of


def listing() -> str:
    """Write the steps and their checks, each with what makes it true."""
    return "\n".join(line for step in groupby(modules(), title_of) for line in _step(*step)) + "\n"


def _step(heading: tuple[int, str], modules: Iterable[ModuleType]) -> Iterator[str]:
    number, title = heading
    yield f"\nStep {number}  {title}"
    for check in checks_of(modules):
        yield from _lines(check)


def _lines(check: Check) -> Iterator[str]:
    notes = [f"limit {check.threshold}"] if check.threshold else []
    notes += ["only warns"] if check.warns else []
    where = "node" if check.per_node else "cluster"
    yield f"  {check.id:<26} {where:<8} {check.title}" + (f" ({', '.join(notes)})" if notes else "")
    yield f"{'':<38}{repair(check).replace('`', '')}"
