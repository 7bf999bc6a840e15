"""A stack that does not come up: how long it is waited for, and what is told."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from cluster.errors import CommandFailed
from cluster.facts.stack import Task
from cluster.node import Node
from fixers import stack
from fixers.stack import DeployStack
from tests.workloads.test_stack import SPEC
from workloads.stack import render_stack

RENDERED = render_stack(SPEC, 2)


def _task(number: int, state: str, desired: str = "Shutdown", error: str = "") -> Task:
    return Task.model_validate(
        {"ID": f"t{number}", "Node": "spark-1", "DesiredState": desired, "CurrentState": state, "Error": error}
    )


NEW = _task(9, "Ready 1 second ago", desired="Ready")
ENDED = tuple(_task(8 - one, f"Failed {3 + 7 * one} seconds ago", error="non-zero exit (255)") for one in range(3))


@pytest.fixture
def deploy(here: Node, stand_in: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Deploy the stack where docker tells these tasks before and after; returns what went wrong."""

    def deploy(before: tuple[Task, ...], after: tuple[Task, ...]) -> str:
        told = iter([before])
        stand_in("docker", "#!/bin/sh\n")
        monkeypatch.setattr(Node, "stack", property(lambda _: SimpleNamespace(tasks=next(told, after))))
        monkeypatch.setattr(Node, "ended", SimpleNamespace(last_words={"t8": ("exec format error",)}))
        monkeypatch.setattr(Node, "docker", SimpleNamespace(engine=SimpleNamespace(client=None)))
        monkeypatch.setattr(Node, "swarm", SimpleNamespace(holders=lambda *_, **__: ("llm",)))
        with here.changes_allowed(), pytest.raises(CommandFailed) as refused:
            DeployStack(here, RENDERED).apply()
        return str(refused.value)

    return deploy


def test_what_ends_as_often_as_it_is_started_is_not_waited_for(deploy: Callable[..., str]) -> None:
    assert deploy((), (NEW, *ENDED)) == (
        "the stack finetuning-multinode is started again and again, and ends: spark-1: Failed 3 seconds ago: "
        "non-zero exit (255); its last words: exec format error."
    )


def test_what_had_ended_before_counts_for_nothing(deploy: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "START_PATIENCE_S", 0.5)
    waits = _task(9, "Pending 1 second ago", desired="Running", error="no suitable node")
    assert deploy(ENDED, (waits, *ENDED)) == (
        "the stack finetuning-multinode did not come up within 0.5 s: spark-1: Pending 1 second ago: no suitable node; "
        "GPUs are held by the service llm."
    )
