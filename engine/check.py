"""How runbook/ declares a check: its id, what repairs it, what it rests on and when it applies."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import pytest

from cluster.cluster import Cluster
from engine.change import Changes

Fixer = Callable[[Any], Changes]
"""Takes the node, or the cluster, of the failed check and yields what has to be changed."""

Applies = Callable[["Context"], str | None]
"""Returns why a check does not apply here, or None when it does."""

Settles = Callable[[Cluster], str | None]
"""Returns why what does not hold may come to hold by itself, or None when there is nothing to wait for."""


Together = Literal["nodes", "workers", "quorum", "after_one"]
"""Where a repair goes on at once.

nodes: Everywhere, as it touches its own node alone.
workers: On a few at a time, as all copy from the same nodes, once the swarm's managers have gone one by one.
quorum: On all but the swarm's managers, which go one by one: docker stops meanwhile, and most managers have to stay up.
after_one: Everywhere else once one node has taken it well, as it may cut a node off.
"""


@dataclass(frozen=True)
class Context:
    """What decides whether a check applies: the cluster, and how much training and load were asked for."""

    cluster: Cluster
    train: str
    load: bool
    cleanup: bool


@dataclass(frozen=True)
class Check:
    """One assertion of the playbook.

    Attributes:
        id: Stable, subject.fact; tools and reports refer to it.
        step: The playbook's own number.
        title: What must be true, as a sentence without its full stop.
        per_node: Whether it is judged on every node, or once for the cluster.
        fix: The fixer that makes it true.
        needs: Ids of checks that have to hold first, on the same node or on the cluster.
        needs_everywhere: Ids of checks that have to hold first on every node.
        explained_by: Ids of checks that it can be judged without, but whose failure explains its own.
        applies: Tells why the check does not apply here; it is then skipped with that reason.
        remedy: What a person can do where no fixer can.
        threshold: The limit of cluster.yaml that it holds to, by its name in cluster.thresholds.
        warns: It costs no readiness: where it does not hold, it passes with a warning.
        due_after: Ids of checks whose repair makes this one's due, though it holds before.
        settles: Tells why it may come to hold by itself, if it may; it is then looked at again for a while.
        together: Where its repair goes on at once; one node after the other without it.
    """

    id: str
    step: int
    title: str
    per_node: bool
    fix: Fixer | None
    needs: tuple[str, ...]
    needs_everywhere: tuple[str, ...]
    explained_by: tuple[str, ...]
    applies: Applies | None
    remedy: str | None
    threshold: str | None
    warns: bool
    due_after: tuple[str, ...]
    settles: Settles | None
    together: Together | None


def check(  # noqa: PLR0913 - one word each of a declaration, and all but the first are named
    check_id: str,
    *,
    fix: Fixer | None = None,
    needs: tuple[str, ...] = (),
    needs_everywhere: tuple[str, ...] = (),
    explained_by: tuple[str, ...] = (),
    applies: Applies | None = None,
    remedy: str | None = None,
    threshold: str | None = None,
    warns: bool = False,
    due_after: tuple[str, ...] = (),
    settles: Settles | None = None,
    together: Together | None = None,
) -> pytest.MarkDecorator:
    """Declare a test function as a check; the arguments are the fields of `Check`."""
    return pytest.mark.check(
        check_id,
        fix=fix,
        needs=needs,
        needs_everywhere=needs_everywhere,
        explained_by=explained_by,
        applies=applies,
        remedy=remedy,
        threshold=threshold,
        warns=warns,
        due_after=due_after,
        settles=settles,
        together=together,
    )


def step(
    number: int, title: str, applies: Applies | None = None, settles: Settles | None = None
) -> list[pytest.MarkDecorator]:
    """Declare a module as a step of the playbook; steps run in the order of their numbers.

    `applies` holds for all of its checks, beside what they declare themselves, and `settles` where they declare none.
    """
    return [pytest.mark.step(number, title, applies=applies, settles=settles), pytest.mark.order(number)]


def check_of(item: pytest.Item) -> Check | None:
    """Read the check that a test declares, or None for any other test."""
    return declared(item.function, item.module) if isinstance(item, pytest.Function) else None


def declared(function: Callable[..., object], module: ModuleType) -> Check | None:
    """Read the check that a function of a step's module declares, or None for any other function."""
    mark, step_mark = _marks(function).get("check"), _marks(module).get("step")
    if mark is None or step_mark is None:
        return None
    return Check(
        id=mark.args[0],
        step=step_mark.args[0],
        title=(inspect.getdoc(function) or function.__name__).splitlines()[0].rstrip("."),
        per_node="node" in inspect.signature(function).parameters,
        **{
            **mark.kwargs,
            "applies": _both(step_mark.kwargs.get("applies"), mark.kwargs["applies"]),
            "settles": mark.kwargs["settles"] or step_mark.kwargs.get("settles"),
        },
    )


def _both(first: Applies | None, second: Applies | None) -> Applies | None:
    if first is None or second is None:
        return first or second
    return lambda context: first(context) or second(context)


def title_of(module: ModuleType) -> tuple[int, str]:
    """Return the number and the title of the step that a module declares."""
    number, title = _marks(module)["step"].args
    return number, title


def _marks(marked: object) -> dict[str, pytest.Mark]:
    marks: Any = getattr(marked, "pytestmark", [])
    found: list[Any] = marks if isinstance(marks, list) else [marks]
    return {mark.name: getattr(mark, "mark", mark) for mark in found}
