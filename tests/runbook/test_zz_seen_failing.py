"""No check is taken on trust: each was seen failing for its own reason, on recorded output or in the lab.

This file comes last, when all the others have shown what they show.
"""

import inspect
from pathlib import Path

import pytest

from engine.catalogue import modules
from engine.check import declared
from tests.runbook.recorded import Recorded

HERE = Path(__file__).parent
SEEN_IN = {
    "ssh.reachable": "e2e/test_troubles.py",
    "ssh.sudo": "e2e/test_troubles.py",
}
"""What takes a lab, with the test there that shows it."""


def test_every_check_was_seen_failing(request: pytest.FixtureRequest) -> None:
    files = {item.path for item in request.session.items}
    if request.config.option.keyword or not files.issuperset(HERE.glob("test_*.py")):
        pytest.skip("a part of these tests cannot have shown all checks")
    every = {
        check.id
        for module in modules()
        for function in filter(inspect.isfunction, vars(module).values())
        if (check := declared(function, module))
    }
    assert sorted(every - Recorded.seen_failing - set(SEEN_IN)) == []


@pytest.mark.parametrize("check", SEEN_IN)
def test_what_takes_a_lab_is_shown_there(check: str) -> None:
    assert check in (HERE.parent / SEEN_IN[check]).read_text(encoding="utf-8")
