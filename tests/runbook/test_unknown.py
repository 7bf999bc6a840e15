"""What a node does not tell is unknown: no check passes or fails over it."""

import sys
from collections.abc import Callable

import pytest

from engine.check import declared
from engine.outcome import Outcome
from runbook import (
    test_02_docker,
    test_03_toolkit,
    test_04_gpu,
    test_05_swarm,
    test_06_stack,
    test_07_container,
    test_09_config,
)
from tests.runbook.recorded import Recorded

MODULES = (
    test_02_docker,
    test_03_toolkit,
    test_04_gpu,
    test_05_swarm,
    test_06_stack,
    test_07_container,
    test_09_config,
)
CHECKS = [check for module in MODULES for name, check in vars(module).items() if name.startswith("test_")]


def _id(check: Callable[..., object]) -> str:
    found = declared(check, sys.modules[check.__module__])
    assert found is not None
    return found.id


@pytest.mark.parametrize("check", CHECKS, ids=_id)
def test_what_nobody_told_is_unknown(recorded: Callable[..., Recorded], check: Callable[..., object]) -> None:
    # Three, because some checks ask about more than two.
    verdict = recorded(size=3, inventory="managers: 3").judge(
        check, None if "cluster" in check.__annotations__ else "spark-2"
    )
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.cause
