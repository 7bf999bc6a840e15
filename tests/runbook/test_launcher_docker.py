"""The launcher docker: the same checks, without a swarm."""

import json
from collections.abc import Callable

import pytest

from cluster.facts.base import Reading
from cluster.facts.doors import wanted_doors
from cluster.facts.machine import MachineFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.stack import EndedFacts, StackFacts
from reports.outcome import Outcome
from runbook import test_04_gpu_advertising as advertising
from runbook import test_05_swarm as step_05
from runbook import test_06_stack as step_06
from runbook import test_14_cleanup as step_14
from tests.runbook.recorded import Recorded
from tests.runbook.swarm_answers import links
from workloads import launcher

PORTS = "rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)\n"


def container(node: str, state: str = "Running", error: str = "Up 2 minutes") -> str:
    told = {"ID": "1", "Name": "spark-runbook-sparks", "Node": node, "DesiredState": "Running"}
    return json.dumps({**told, "CurrentState": state, "Error": error, "Image": "i"}) + "\n"


@pytest.fixture
def plain(recorded: Callable[..., Recorded]) -> Recorded:
    """A container on each of two nodes, as the inventory says."""
    cluster = recorded(inventory="launcher: docker")
    for number in (1, 2):
        node = f"spark-{number}"
        cluster.said(NetworkFacts, node, links=links("enp1s0f1np1", f"192.168.100.{number}"), ports=PORTS)
        cluster.said(MachineFacts, node, hostname=f"{node}\n")
        cluster.said(StackFacts, node, rdma="no\n", tasks=container(node))
        cluster.said(EndedFacts, node, last_words="")
    for node, digest in launcher.expected(cluster.cluster).items():
        cluster.said(StackFacts, node, digest=f"{digest}\n")
    return cluster


@pytest.mark.parametrize("check", [advertising.test_daemon_offers_own_gpu, step_05.test_node_is_in_the_swarm])
def test_what_only_a_swarm_needs_is_skipped_with_the_reason(plain: Recorded, check: Callable[..., object]) -> None:
    verdict = plain.judge(check, "spark-1")
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "the launcher docker uses no swarm")


def test_containers_as_the_inventory_says_pass(plain: Recorded) -> None:
    assert plain.judge(step_06.test_stack_is_deployed).outcome is Outcome.PASSED
    assert plain.judge(step_06.test_task_runs, "spark-2").outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("digest", "cause"), [("", "no container was started from here on spark-2"), ("ab12", "deployed from another")]
)
def test_a_container_that_is_missing_or_another_is_named(plain: Recorded, digest: str, cause: str) -> None:
    plain.said(StackFacts, "spark-2", digest=f"{digest}\n")
    verdict = plain.judge(step_06.test_stack_is_deployed)
    assert verdict.outcome is Outcome.FAILED
    assert cause in str(verdict.cause)


def test_a_container_that_has_ended_is_told_by_its_state(plain: Recorded) -> None:
    plain.said(StackFacts, "spark-2", tasks=container("spark-2", "Exited", "Exited (137) 3 seconds ago"))
    verdict = plain.judge(step_06.test_task_runs, "spark-2")
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, "Exited (137) 3 seconds ago")


def test_a_container_that_docker_starts_again_and_again_is_told_with_its_last_words(plain: Recorded) -> None:
    plain.said(StackFacts, "spark-2", tasks=container("spark-2", "Restarting", "Restarting (255) 3 seconds ago"))
    plain.said(EndedFacts, "spark-2", last_words="== 1\nexec /sbin/docker-init: exec format error\n")
    verdict = plain.judge(step_06.test_task_runs, "spark-2")
    assert verdict.cause == (
        "Restarting (255) 3 seconds ago; its last words: exec /sbin/docker-init: exec format error"
    )


def test_rdma_devices_that_came_since_make_the_container_another(plain: Recorded) -> None:
    plain.said(StackFacts, "spark-1", rdma="yes\n")
    assert plain.judge(step_06.test_stack_is_deployed).outcome is Outcome.FAILED


def test_a_docker_that_does_not_answer_leaves_it_unknown(plain: Recorded) -> None:
    plain.said(StackFacts, "spark-1", digest=Reading("docker ps", 1, "", "Cannot connect to the Docker daemon"))
    assert plain.judge(step_06.test_stack_is_deployed).outcome is Outcome.UNKNOWN


def test_cleaning_up_wants_all_containers_gone(plain: Recorded) -> None:
    assert launcher.deployed(plain.cluster).keys() == {"spark-1", "spark-2"}
    verdict = plain.judge(step_14.test_stack_is_gone)
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "cleaning up runs with --cleanup")


def test_no_door_of_a_swarm_is_knocked_at(plain: Recorded) -> None:
    ports = {port for _, _, port in wanted_doors(plain.cluster["spark-2"])}
    assert ports == {"45000/tcp", "29500/tcp"}
