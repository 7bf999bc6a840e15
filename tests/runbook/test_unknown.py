"""What a node does not tell is unknown: no check passes or fails over it."""

import inspect
import sys
from collections.abc import Callable

import pytest

from engine.check import declared
from reports.outcome import Outcome
from runbook import (
    test_01_network,
    test_01_network_rdma,
    test_01_node,
    test_01_ssh,
    test_02_docker,
    test_03_toolkit,
    test_04_gpu,
    test_04_gpu_advertising,
    test_05_swarm,
    test_06_stack,
    test_07_container,
    test_09_config,
    test_14_cleanup,
)
from tests.runbook.recorded import Recorded

MODULES = (
    test_01_network,
    test_01_network_rdma,
    test_01_node,
    test_01_ssh,
    test_02_docker,
    test_03_toolkit,
    test_04_gpu,
    test_04_gpu_advertising,
    test_05_swarm,
    test_06_stack,
    test_07_container,
    test_09_config,
    test_14_cleanup,
)
TOLD_BY_THE_LOGIN = {"ssh.reachable", "ssh.sudo", "ssh.prompt", "ssh.same_user"}
CHECKS = [
    function
    for module in MODULES
    for function in vars(module).values()
    # Those that measure something ask for more than a node or the cluster.
    if (check := declared(function, module)) and inspect.signature(function).parameters.keys() <= {"node", "cluster"}
    if check.id not in TOLD_BY_THE_LOGIN
]


def _id(check: Callable[..., object]) -> str:
    found = declared(check, sys.modules[check.__module__])
    assert found is not None
    return found.id


@pytest.mark.parametrize("check", CHECKS, ids=_id)
def test_what_nobody_told_is_unknown(recorded: Callable[..., Recorded], check: Callable[..., object]) -> None:
    # Three, because some checks ask about more than two.
    verdict = recorded(size=3, inventory="managers: 3").judge(
        check, None if "cluster" in check.__annotations__ else "spark-2", asked_for={"cleanup": True}
    )
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.cause
