"""When a swarm, or a task, may come to what it has to be by itself."""

import json
import time
from collections.abc import Callable

import pytest

from cluster.facts.container import ContainerFacts
from cluster.facts.docker import DockerFacts
from cluster.facts.machine import MachineFacts
from cluster.facts.stack import StackFacts
from cluster.facts.swarm import SwarmFacts
from runbook.settling import SETTLING_S, containers_settle, members_settle, swarm_settles, tasks_settle
from tests.runbook.docker_answers import said
from tests.runbook.recorded import Recorded
from tests.runbook.swarm_answers import engine, member, members

LONG, NOT_LONG = "90000\n", "12\n"


@pytest.fixture
def cluster(recorded: Callable[..., Recorded]) -> Recorded:
    """One swarm of two nodes that has been up for a day, and was told of now."""
    made = recorded()
    for number in (1, 2):
        tell_docker(made, number, LONG)
        made.said(MachineFacts, f"spark-{number}", hostname=f"spark-{number}\n")
        made.said(ContainerFacts, f"spark-{number}", ours="")
    made.said(StackFacts, "spark-1", tasks="")
    return made


def tell_docker(cluster: Recorded, number: int, up: str, state: str = "active") -> None:
    cluster.said(DockerFacts, f"spark-{number}", engine=engine(f"id{number}", "192.168.100.1", state=state), up_s=up)
    cluster.cluster[f"spark-{number}"].docker.span = (time.time(), time.time())


def task(state: str, desired: str = "Running", error: str = "", node: str = "spark-1") -> str:
    return json.dumps({"ID": "a", "Node": node, "CurrentState": state, "DesiredState": desired, "Error": error})


def test_a_swarm_that_has_been_up_for_long_is_what_it_is(cluster: Recorded) -> None:
    assert swarm_settles(cluster.cluster) is None


def test_a_docker_that_was_started_just_now_is_given_time(cluster: Recorded) -> None:
    tell_docker(cluster, 2, NOT_LONG)
    assert swarm_settles(cluster.cluster) is not None
    told_long_ago = time.time() - SETTLING_S
    cluster.cluster["spark-2"].docker.span = (told_long_ago, told_long_ago)
    assert swarm_settles(cluster.cluster) is None


def test_a_change_of_ours_is_given_time(cluster: Recorded) -> None:
    cluster.cluster.changed_at = time.time()
    assert swarm_settles(cluster.cluster) is not None
    cluster.cluster.changed_at -= SETTLING_S
    assert swarm_settles(cluster.cluster) is None


@pytest.mark.parametrize(("up", "state"), [(NOT_LONG, "inactive"), ("", "active")])
def test_nothing_comes_by_itself_where_a_node_is_in_no_swarm_or_does_not_say(
    cluster: Recorded, up: str, state: str
) -> None:
    tell_docker(cluster, 1, NOT_LONG)
    tell_docker(cluster, 2, up, state)
    assert swarm_settles(cluster.cluster) is None


def test_a_docker_that_is_down_is_not_waited_for(cluster: Recorded) -> None:
    tell_docker(cluster, 1, NOT_LONG)
    cluster.said(DockerFacts, "spark-2", up_s=said(err="error: list of process IDs must follow -p", exit_status=1))
    assert swarm_settles(cluster.cluster) is None


@pytest.mark.parametrize(
    ("told", "comes"),
    [
        (task("Preparing 4 seconds ago"), True),
        (task("Pending 1 second ago"), True),
        (task("Ready less than a second ago", desired="Ready"), True),
        (task("Pending 3 minutes ago", error="no suitable node (insufficient resources on 2 nodes)"), False),
        (task("Rejected 2 seconds ago", error="invalid mount config"), False),
        (task("Preparing 4 seconds ago", desired="Shutdown"), False),
        (task("Running 2 minutes ago"), False),
        (task("Running 3 seconds ago", desired="Shutdown"), True),
        (task("Running 2 days ago", node="spark-3", desired="Shutdown"), False),
    ],
)
def test_a_task_on_its_way_is_given_time(cluster: Recorded, told: str, comes: bool) -> None:
    cluster.said(StackFacts, "spark-1", tasks=told)
    assert (tasks_settle(cluster.cluster) is not None) == comes


@pytest.mark.parametrize(
    ("ours", "comes"),
    [
        ("", True),
        ('[{"Id": "a", "Config": {}, "State": {"Running": false, "Pid": 0}}]', True),
        ('[{"Id": "a", "Config": {}, "State": {"Running": true, "Restarting": true, "Pid": 0}}]', False),
        ('[{"Id": "a", "Name": "/ours", "Config": {}}]', False),
    ],
)
def test_a_container_that_has_ended_is_given_the_time_in_which_swarm_notices(
    cluster: Recorded, ours: str, comes: bool
) -> None:
    cluster.said(StackFacts, "spark-1", tasks=task("Running 2 minutes ago"))
    cluster.said(ContainerFacts, "spark-1", ours=ours)
    assert (containers_settle(cluster.cluster) is not None) == comes


@pytest.mark.parametrize(("state", "comes"), [("down", True), ("unknown", True), ("ready", False)])
def test_a_node_that_was_cut_off_is_given_time_to_be_heard_again(cluster: Recorded, state: str, comes: bool) -> None:
    told = members(member("id1", "spark-1"), member("id2", "spark-2", state=state))
    cluster.said(SwarmFacts, "spark-1", members=told)
    assert (members_settle(cluster.cluster) is not None) == comes
