"""What stops docker for a while goes on at all nodes at once but those of the swarm's quorum."""

from collections.abc import Callable

import pytest

from cluster.facts.docker import DockerFacts
from engine.turn import at_once
from tests.engine.judging import check
from tests.runbook.recorded import Recorded
from tests.runbook.swarm_answers import MANAGER, engine

WORKER = "192.168.100.2"
ALL = ["spark-1", "spark-2", "spark-3"]


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (engine("id2", WORKER), ALL),
        (engine("id2", WORKER, managers=(MANAGER, WORKER)), ["spark-1", "spark-3"]),
        ("it does not run", ["spark-1", "spark-3"]),
    ],
)
def test_a_manager_and_who_may_be_one_are_left_alone(
    recorded: Callable[..., Recorded], second: str, told: list[str]
) -> None:
    cluster = recorded(size=3)
    cluster.said(DockerFacts, engine=engine("", "", state="inactive", managers=()))
    cluster.said(DockerFacts, "spark-2", engine=second)
    assert [node.name for node in at_once(check("one", together="quorum"), cluster.cluster)] == told
