"""Nodes that die or hang in the middle of a repair: a clear outcome in bounded time, and nothing is lost."""

import time

import pytest

from tests.e2e.lab import Lab, told

pytestmark = [pytest.mark.lab, pytest.mark.long]

LONGEST_S = 240
"""Of a run in which a node stops to answer: a few deadlines of a command at most."""


def changed(lab: Lab, count: int) -> bool:
    """Whether the run that was started last has begun so many changes."""
    journals = [path for path in lab.reports.glob("*/journal.jsonl") if not path.parent.is_symlink()]
    return any(path.stat().st_mtime > lab.mark and path.read_text().count('"begun"') >= count for path in journals)


def comes_back(lab: Lab, way: str) -> None:
    if way == "off":
        lab.do("power", "spark-2", "on")
    else:
        lab.on("spark-2", "pkill -CONT sshd")


@pytest.mark.parametrize("way", ["off", "hangs"])
@pytest.mark.parametrize("count", [2, 9, 18, 27])
def test_node_that_stops_to_answer_in_a_repair_is_named_and_the_repair_is_carried_on(
    bare: Lab, way: str, count: int
) -> None:
    process = bare.start("--fix", "--train", "none")
    until = time.monotonic() + 120
    while process.poll() is None and not changed(bare, count):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert process.poll() is None, "a whole repair makes fewer changes"
    started = time.monotonic()
    if way == "off":
        bare.do("power", "spark-2", "off")
    else:
        bare.on("spark-2", "pkill -STOP sshd")
    run = bare.finish(process)
    assert time.monotonic() - started < LONGEST_S
    assert run.exit in (1, 6), told(run)
    assert "Traceback" not in run.screen
    assert "spark-2" in run.report["next"]
    comes_back(bare, way)
    again = bare.runbook("--fix", "--train", "none")
    assert again.exit == 0, told(again)
    assert bare.runbook("--plan").changes == []
