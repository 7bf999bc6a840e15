"""Step 5 on recorded output: each check fails for its own reason, in words."""

from collections.abc import Callable

import pytest

from cluster.facts.docker import DockerFacts
from cluster.facts.machine import MachineFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.swarm import SwarmFacts
from engine.outcome import Verdict
from fixers import swarm
from reports.outcome import Outcome
from runbook import test_05_swarm as step_05
from tests.runbook.docker_answers import said, settings
from tests.runbook.recorded import Recorded
from tests.runbook.swarm_answers import certificate, engine, links, member, members

ONE, TWO = "GPU-1111", "GPU-2222"
PORTS = "rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)\n"
SERVICES = '[{"Spec": {"Name": "web", "TaskTemplate": {"Resources": {"Reservations": null}}}}]'
CHECKS = [
    check
    for name, check in vars(step_05).items()
    if name.startswith("test_") and check is not step_05.test_swarm_outlives_its_leader
]


@pytest.fixture
def healthy(recorded: Callable[..., Recorded]) -> Recorded:
    """One swarm of two nodes on the fabric."""
    cluster = recorded()
    for number, gpu in ((1, ONE), (2, TWO)):
        node, address = f"spark-{number}", f"192.168.100.{number}"
        cluster.said(NetworkFacts, node, links=links("enp1s0f1np1", address), ports=PORTS)
        cluster.said(DockerFacts, node, engine=engine(f"id{number}", address), settings=settings(gpu))
        cluster.said(MachineFacts, node, hostname=f"{node}\n")
    cluster.said(SwarmFacts, certificate_percent=certificate(days_old=10, days_left=80), services="")
    tell_members(cluster, member("id2", "spark-2", gpu=TWO))
    return cluster


def tell_members(cluster: Recorded, *others: dict[str, object]) -> None:
    cluster.said(SwarmFacts, "spark-1", members=members(member("id1", "spark-1", gpu=ONE), *others))


def tell_engine(cluster: Recorded, node: str, told: str) -> None:
    cluster.said(DockerFacts, node, engine=told)


def judge(cluster: Recorded, check: Callable[..., object]) -> Verdict:
    return cluster.judge(check, None if "cluster" in check.__annotations__ else "spark-2")


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_as_it_has_to_be_passes(healthy: Recorded, check: Callable[..., object]) -> None:
    verdict = judge(healthy, check)
    assert (verdict.outcome, verdict.cause) == (Outcome.PASSED, None)


@pytest.mark.parametrize(
    ("told", "found", "cause"),
    [
        (engine("", "", state="inactive", managers=()), "inactive", "spark-1 is in no swarm"),
        (
            engine("id1", "192.168.100.1", managers=("192.168.100.2",)),
            "worker",
            "spark-1 is a worker of the swarm led by spark-2: give that node `role: manager` in the inventory, or "
            "let this one leave",
        ),
        (
            engine("id1", "192.168.100.1", managers=("10.1.2.3", "10.1.2.4")),
            "worker",
            "spark-1 is a worker of the swarm led by 10.1.2.3 and 10.1.2.4",
        ),
        (
            engine("id1", "192.168.100.1", state="locked"),
            "locked",
            "the swarm on spark-1 is locked since docker was restarted: it takes the unlock key",
        ),
        (
            engine("id1", "", state="error", Error="cannot load the certificate"),
            "error: cannot load the certificate",
            "the swarm on spark-1 is in state error: cannot load the certificate",
        ),
    ],
)
def test_a_manager_that_leads_no_swarm(healthy: Recorded, told: str, found: str, cause: str) -> None:
    tell_engine(healthy, "spark-1", told)
    verdict = judge(healthy, step_05.test_manager_leads_a_swarm)
    assert (verdict.outcome, verdict.found, verdict.cause) == (Outcome.FAILED, found, cause)


def test_leaving_a_swarm_tells_what_is_lost(healthy: Recorded) -> None:
    tell_engine(healthy, "spark-1", engine("id1", "169.254.7.8", managers=("169.254.7.8",)))
    healthy.said(SwarmFacts, "spark-1", services=SERVICES)
    verdict = judge(healthy, step_05.test_swarm_was_begun_on_the_fabric)
    assert verdict.cause == "169.254.7.8 is link-local: it changes, and the others may not reach it"
    assert verdict.remedy == (
        "rerun with `pytest runbook --fix --allow leave-swarm` if it is all right that spark-1 leaves the swarm that "
        "it is in (state active, led by 169.254.7.8:2377), which may end with its members spark-2 and its services web"
    )


def test_a_locked_swarm_is_for_a_person_to_unlock(healthy: Recorded) -> None:
    tell_engine(healthy, "spark-1", engine("id1", "", state="locked"))
    verdict = judge(healthy, step_05.test_manager_leads_a_swarm)
    assert verdict.remedy == "unlock the swarm on spark-1 with its key: `docker swarm unlock`"


@pytest.mark.parametrize(
    ("told", "found", "cause"),
    [
        (engine("", "", state="inactive", managers=()), "inactive", "spark-2 is in no swarm"),
        (
            engine("", "192.168.100.2", state="pending"),
            "pending",
            "spark-2 still tries to join spark-1: address, firewall (port 2377) or clock",
        ),
        (
            engine("id9", "192.168.100.2"),
            "in another swarm",
            "spark-2 believes that it is in the manager's swarm, which has removed it or has been begun anew since",
        ),
        (
            engine("id9", "192.168.100.2", managers=("10.1.2.3",)),
            "in another swarm",
            "spark-2 is in the swarm led by 10.1.2.3, not in that of spark-1",
        ),
        (
            engine("", "", state="", managers=()),
            "nothing",
            "the swarm on spark-2 is in state none: docker does not say why",
        ),
    ],
)
def test_a_node_that_is_not_in_the_swarm(healthy: Recorded, told: str, found: str, cause: str) -> None:
    tell_engine(healthy, "spark-2", told)
    verdict = judge(healthy, step_05.test_node_is_in_the_swarm)
    assert (verdict.outcome, verdict.found, verdict.cause) == (Outcome.FAILED, found, cause)


def test_a_clone_of_a_member(healthy: Recorded) -> None:
    tell_engine(healthy, "spark-2", engine("id1", "192.168.100.2"))
    verdict = judge(healthy, step_05.test_no_member_is_there_twice)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "id1 (spark-1 and spark-2)")
    assert "was cloned" in str(verdict.cause)


def test_a_member_that_the_manager_does_not_hear(healthy: Recorded) -> None:
    tell_members(healthy, member("id2", "spark-2", state="down", message="heartbeat failure", gpu=TWO))
    verdict = judge(healthy, step_05.test_manager_hears_from_the_node)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "down")
    assert verdict.cause == (
        "the manager does not hear from spark-2 (heartbeat failure), although that node considers itself active: "
        "check port 2377 and its clock"
    )


@pytest.mark.parametrize("availability", ["drain", "pause"])
def test_a_member_that_takes_no_tasks_is_activated_when_asked(healthy: Recorded, availability: str) -> None:
    tell_members(healthy, member("id2", "spark-2", availability=availability, gpu=TWO))
    verdict = judge(healthy, step_05.test_node_takes_tasks)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, availability)
    assert verdict.cause == "somebody has drained or paused it, and it is given no task"
    assert "--allow activate-node" in str(verdict.remedy)
    assert verdict.changes[0].describe == "spark-1$ sudo docker node update --availability active id2"


def test_a_member_that_is_in_no_inventory(healthy: Recorded) -> None:
    tell_members(healthy, member("id2", "spark-2", gpu=TWO), member("id7", "laptop"))
    verdict = judge(healthy, step_05.test_swarm_has_no_strangers)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "laptop")


def test_what_a_node_was_in_the_swarm_before_is_no_stranger(healthy: Recorded) -> None:
    tell_members(healthy, member("id2", "spark-2", gpu=TWO), member("id7", "spark-2"))
    assert judge(healthy, step_05.test_swarm_has_no_strangers).outcome is Outcome.PASSED


def test_a_member_that_is_gone_for_good_is_no_stranger(healthy: Recorded) -> None:
    tell_members(healthy, member("id2", "spark-2", gpu=TWO), member("id7", "spark-2", state="down"))
    assert judge(healthy, step_05.test_swarm_has_no_strangers).outcome is Outcome.PASSED


def test_a_swarm_on_the_other_interface_of_the_fabric_is_on_the_fabric(healthy: Recorded) -> None:
    for number in (1, 2):
        node, twin = f"spark-{number}", f"192.168.101.{number}"
        both = links("enp1s0f1np1", f"192.168.100.{number}")[:-1] + ", " + links("enP2p1s0f1np1", twin)[1:]
        healthy.said(NetworkFacts, node, links=both, ports=PORTS + PORTS.replace("enp1s0f1np1", "enP2p1s0f1np1"))
        tell_engine(healthy, node, engine(f"id{number}", twin))
    assert judge(healthy, step_05.test_swarm_was_begun_on_the_fabric).outcome is Outcome.PASSED
    assert judge(healthy, step_05.test_node_is_known_by_a_fabric_address).outcome is Outcome.PASSED
    *_, join = swarm.join(healthy.cluster["spark-2"])
    assert "192.168.101.1:2377" in join.describe()


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("10.77.0.12", "10.77.0.12 is the address of enP7s7, so the swarm's traffic does not take the fabric"),
        ("10.5.5.5", "10.5.5.5 is on no interface of spark-2"),
        ("", "docker does not tell by which address the swarm knows this node"),
    ],
)
def test_a_member_by_an_address_of_another_network(healthy: Recorded, address: str, cause: str) -> None:
    tell_engine(healthy, "spark-2", engine("id2", address))
    fabric = links("enp1s0f1np1", "192.168.100.2")[:-1]
    healthy.said(NetworkFacts, "spark-2", links=fabric + ", " + links("enP7s7", "10.77.0.12")[1:])
    verdict = judge(healthy, step_05.test_node_is_known_by_a_fabric_address)
    assert (verdict.outcome, verdict.expected) == (Outcome.FAILED, "192.168.100.2")
    assert str(verdict.cause).startswith(cause)


@pytest.mark.parametrize(("old", "left", "outcome"), [(85, 5, Outcome.FAILED), (95, -5, Outcome.FAILED)])
def test_a_certificate_that_docker_does_not_renew(healthy: Recorded, old: int, left: int, outcome: Outcome) -> None:
    healthy.said(SwarmFacts, "spark-2", certificate_percent=certificate(days_old=old, days_left=left))
    verdict = judge(healthy, step_05.test_certificate_is_renewed)
    assert verdict.outcome is outcome
    assert verdict.threshold is not None
    assert verdict.threshold.margin == round(100 * left / (old + left), 1) - 10


@pytest.mark.parametrize(
    ("offer", "cause"),
    [
        ("", "the swarm has no GPU on record for this node: docker was not restarted since daemon.json was written"),
        (ONE, "the swarm has the GPU of spark-1 on record for this node"),
        ("GPU-0", "the swarm has an old resource on record: docker was not restarted since daemon.json was written"),
    ],
)
def test_a_gpu_that_the_swarm_does_not_know(healthy: Recorded, offer: str, cause: str) -> None:
    tell_members(healthy, member("id2", "spark-2", gpu=offer))
    verdict = judge(healthy, step_05.test_node_offers_its_own_gpu)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def test_a_manager_that_does_not_answer_leaves_its_members_unknown(healthy: Recorded) -> None:
    healthy.said(SwarmFacts, "spark-1", members=said(err="Error response from daemon: rpc timeout", exit_status=1))
    assert judge(healthy, step_05.test_node_is_in_the_swarm).outcome is Outcome.UNKNOWN


def three(recorded: Callable[..., Recorded], *roles: str) -> Recorded:
    """Three nodes, all of which are to manage the swarm, and what each is in it."""
    cluster = recorded(size=3, inventory="managers: 3")
    told = [member(f"id{number}", f"spark-{number}", role=role) for number, role in enumerate(roles, 1)]
    cluster.said(SwarmFacts, "spark-1", members=members(*told))
    for number in (1, 2, 3):
        cluster.said(DockerFacts, f"spark-{number}", engine=engine(f"id{number}", f"192.168.100.{number}"))
    return cluster


def test_a_node_that_has_to_manage_the_swarm_is_made_a_manager(recorded: Callable[..., Recorded]) -> None:
    verdict = judge(three(recorded, "manager", "worker", "manager"), step_05.test_swarm_outlives_its_leader)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "spark-2")
    (change,) = verdict.changes
    assert change.describe == "spark-1$ sudo docker node promote id2 || { sleep 2; docker node promote id2; }"


def test_three_managers_are_enough(recorded: Callable[..., Recorded]) -> None:
    cluster = three(recorded, "manager", "manager", "manager")
    assert judge(cluster, step_05.test_swarm_outlives_its_leader).outcome is Outcome.PASSED


def test_one_manager_is_the_playbooks(healthy: Recorded) -> None:
    verdict = judge(healthy, step_05.test_swarm_outlives_its_leader)
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "one manager is all that the inventory asks for")
