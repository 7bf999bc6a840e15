"""A cluster that is healthy is called so, every time, and at any size."""

from pathlib import Path

import pytest

from tests.e2e.lab import Lab, told

pytestmark = [pytest.mark.lab, pytest.mark.long]

RUNS = 20
MANY = 8


def test_twenty_runs_in_a_row_give_no_false_alarm(ready: Lab) -> None:
    for number in range(RUNS):
        run = ready.runbook()
        alarms = [one["id"] for one in run.report["checks"] if one["warning"]]
        assert (run.exit, run.report["diagnosis"], alarms) == (0, [], []), f"run {number + 1}: {told(run)}"


def test_eight_nodes_become_ready_and_stay_so(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "eight", tmp_path / "reports")
    try:
        lab.do("up", "--nodes", str(MANY))
        fixed = lab.runbook("--fix", "--train", "none")
        assert fixed.exit == 0, told(fixed)
        assert len(fixed.report["nodes"]) == MANY
        members = lab.on("spark-1", "docker node ls --format '{{.Hostname}} {{.Status}}'").splitlines()
        assert sorted(members) == [f"spark-{number} Ready" for number in range(1, MANY + 1)]
        checked = lab.runbook("--train", "smoke")
        assert checked.exit == 0, told(checked)
        assert len(checked.report["training"]["ranks"]) == MANY
    finally:
        lab.do("down")
