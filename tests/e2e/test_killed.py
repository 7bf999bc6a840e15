"""A run that is killed at any point, again and again, is carried on by the next one, or taken back."""

import itertools
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e import killing
from tests.e2e.lab import Lab, Result, told

pytestmark = [pytest.mark.lab, pytest.mark.long]

MOMENTS = 4
"""Of one change: it is written down, copied to the node, made, and marked as done."""
MOST_RUNS = 300
HOMES = ("/home/nvidia/.ssh/authorized_keys", "/home/nvidia/.ssh/known_hosts", "/etc/group")


def killed_runs(lab: Lab, moments: Iterator[int], *options: str) -> tuple[list[str], Result]:
    """Start runs that are killed at one moment after the other until one gets to its end; name those with a journal."""
    earlier = set(lab.runs_with_changes())
    for at in itertools.islice(moments, MOST_RUNS):
        process = lab.start(*options, "-p", killing.__name__, environment={killing.VARIABLE: str(at)})
        run = lab.finish(process)
        assert "Traceback" not in run.screen, told(run)
        if run.exit != -signal.SIGKILL:
            return [name for name in lab.runs_with_changes() if name not in earlier], run
    raise AssertionError(f"not one of {MOST_RUNS} runs got to its end")


def whole(lab: Lab) -> None:
    """No line is there twice, and nothing half-written was left."""
    for node in ("spark-1", "spark-2"):
        for path in HOMES:
            lines = lab.on(node, f"test ! -e {path} || cat {path}").splitlines()
            assert [line for line, count in Counter(lines).items() if count > 1] == []
        assert lab.on(node, "find /etc /home -xdev -name '.spark-runbook.*'") == ""


def test_fix_that_is_killed_at_every_moment_is_carried_on_and_taken_back(bare: Lab) -> None:
    before = bare.states()
    names, last = killed_runs(bare, itertools.cycle(range(1, MOMENTS + 1)), "--fix", "--train", "none")
    assert last.exit == 0, told(last)
    whole(bare)
    assert bare.runbook("--plan").changes == []
    for name in reversed(names):
        undone = bare.runbook("--undo", name, "--allow", "restart-docker")
        assert undone.exit == 0, told(undone)
    assert bare.states() ^ before == set()


def test_undo_that_is_killed_at_every_moment_is_carried_on(bare: Lab) -> None:
    before = bare.states()
    fixed = bare.runbook("--fix", "--train", "none")
    assert fixed.exit == 0, told(fixed)
    # Two nodes are taken back at once.
    moments = itertools.cycle(range(1, 2 * MOMENTS + 1))
    _, last = killed_runs(bare, moments, "--undo", fixed.report["run"]["id"])
    assert last.exit == 0, told(last)
    whole(bare)
    assert bare.states() ^ before == set()
