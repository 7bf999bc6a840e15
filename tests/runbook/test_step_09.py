"""Step 9 on recorded output: each check fails for its own reason, in words."""

from collections.abc import Callable

import pytest

from cluster.facts.config import ConfigFacts
from cluster.facts.network import NetworkFacts
from engine.outcome import Verdict
from reports.outcome import Outcome
from runbook import test_09_config as step_09
from tests.runbook.recorded import Recorded
from tests.runbook.swarm_answers import links
from workloads.deploy import rendered_config

PORTS = "rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)\n"
SSHD = 'LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=104,fd=6))\n'
CHECKS = [check for name, check in vars(step_09).items() if name.startswith("test_")]


@pytest.fixture
def healthy(recorded: Callable[..., Recorded]) -> Recorded:
    """Two nodes with the configuration that each has to have."""
    cluster = recorded()
    for number in (1, 2):
        address = f"192.168.100.{number}"
        cluster.said(NetworkFacts, f"spark-{number}", links=links("enp1s0f1np1", address), ports=PORTS)
    for node in cluster.cluster.nodes:
        cluster.said(ConfigFacts, node.name, accelerate=rendered_config(node), listeners=SSHD)
    return cluster


def judge(cluster: Recorded, check: Callable[..., object]) -> Verdict:
    return cluster.judge(check, None if "cluster" in check.__annotations__ else "spark-2")


def edit(cluster: Recorded, before: str, after: str, node: str = "spark-2") -> None:
    text = rendered_config(cluster.cluster[node])
    assert before in text
    cluster.said(ConfigFacts, node, accelerate=text.replace(before, after))


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_as_it_has_to_be_passes(healthy: Recorded, check: Callable[..., object]) -> None:
    verdict = judge(healthy, check)
    assert (verdict.outcome, verdict.cause) == (Outcome.PASSED, None)


@pytest.mark.parametrize(
    ("before", "after", "found", "cause"),
    [
        (
            "machine_rank: 1",
            "machine_rank: < TODO: 0 or 1 >",
            "line 3: machine_rank: < TODO: 0 or 1 >",
            "a TODO was left in accelerate.yaml, which is no YAML then",
        ),
        (
            "main_process_ip: 192.168.100.1",
            "main_process_ip: 10.77.0.11",
            "main_process_ip: 10.77.0.11 instead of 192.168.100.1",
            "the ranks would look for rank 0 at another address than 192.168.100.1",
        ),
        (
            "num_machines: 2",
            "num_machines: 4",
            "num_machines: 4 instead of 2",
            "accelerate.yaml was edited, or made for another cluster",
        ),
    ],
)
def test_a_configuration_that_is_not_this_nodes(
    healthy: Recorded, before: str, after: str, found: str, cause: str
) -> None:
    edit(healthy, before, after)
    verdict = judge(healthy, step_09.test_configuration_is_rendered)
    assert (verdict.outcome, verdict.found, verdict.cause) == (Outcome.FAILED, found, cause)


def test_a_configuration_that_is_missing(healthy: Recorded) -> None:
    healthy.said(ConfigFacts, accelerate="")
    verdict = judge(healthy, step_09.test_configuration_is_rendered)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, "accelerate.yaml is missing in the workspace")


def test_a_configuration_that_is_no_yaml(healthy: Recorded) -> None:
    healthy.said(ConfigFacts, accelerate="a: [\n")
    verdict = judge(healthy, step_09.test_configuration_is_rendered)
    assert verdict.outcome is Outcome.FAILED
    assert str(verdict.found).startswith("the accelerate configuration is not YAML")
    assert judge(healthy, step_09.test_ranks_are_distinct).outcome is Outcome.BLOCKED


def test_a_comment_is_no_difference(healthy: Recorded) -> None:
    edit(healthy, "num_machines", "# all of them\nnum_machines")
    assert judge(healthy, step_09.test_configuration_is_rendered).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("rank", "cause"),
    [
        ("0", "rank 0 (spark-1 and spark-2): each would wait for the other without a word"),
        ("2", "nobody is rank 1, for which all others would wait"),
    ],
)
def test_ranks_that_do_not_count_up(healthy: Recorded, rank: str, cause: str) -> None:
    edit(healthy, "machine_rank: 1", f"machine_rank: {rank}")
    verdict = judge(healthy, step_09.test_ranks_are_distinct)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def test_ranks_in_the_order_of_another_inventory(healthy: Recorded) -> None:
    edit(healthy, "machine_rank: 1", "machine_rank: 0")
    edit(healthy, "machine_rank: 0", "machine_rank: 1", "spark-1")
    verdict = judge(healthy, step_09.test_ranks_are_distinct)
    assert verdict.cause == "the ranks are in another order than the nodes of the inventory"


def test_configurations_that_differ_in_more_than_the_rank(healthy: Recorded) -> None:
    edit(healthy, "main_process_port: 29500", "main_process_port: 29501")
    verdict = judge(healthy, step_09.test_configurations_differ_in_rank_alone)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "main_port: spark-1 29500, spark-2 29501")


def test_a_file_that_lacks_a_setting_leaves_ranks_unknown(healthy: Recorded) -> None:
    edit(healthy, "machine_rank: 1\n", "")
    verdict = judge(healthy, step_09.test_ranks_are_distinct)
    assert (verdict.outcome, verdict.cause) == (
        Outcome.UNKNOWN,
        "on spark-2 the accelerate configuration lacks machine_rank",
    )


@pytest.mark.parametrize(
    ("users", "cause"),
    [
        (' users:(("python3",pid=7,fd=3))', "python3 (process 7) listens there: an earlier training may still hold it"),
        (' users:(("nginx",pid=8,fd=3))', "nginx (process 8) listens there"),
        ("", "a program that ss does not name listens there"),
    ],
)
def test_a_port_that_is_taken(healthy: Recorded, users: str, cause: str) -> None:
    healthy.said(ConfigFacts, "spark-1", listeners=f"{SSHD}LISTEN 0 128 *:29500 *:*{users}\n")
    verdict = judge(healthy, step_09.test_port_is_free)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)
