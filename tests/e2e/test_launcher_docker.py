"""The launcher docker: plain containers instead of a swarm, with the same checks, repairs and way back."""

from pathlib import Path

import pytest

from tests.e2e.lab import Lab, told

pytestmark = pytest.mark.lab


@pytest.fixture
def inventory(bare: Lab, tmp_path: Path) -> str:
    """The lab's inventory, with the other launcher."""
    path = tmp_path / "cluster.yaml"
    path.write_text(f"{bare.do('inventory')}launcher: docker\n")
    return f"--inventory={path}"


def test_plain_containers_are_started_survive_a_reboot_and_go_without_a_trace(bare: Lab, inventory: str) -> None:
    before = bare.states()
    fixed = bare.runbook_of(inventory, "--fix", "--train", "none")
    assert fixed.exit == 0, told(fixed)
    started = [change for change in fixed.changes if "docker run --detach" in change]
    assert len(started) == 2
    assert {"fixed"} == fixed.outcomes("stack.deployed")
    assert fixed.outcomes("swarm.joined") == {"skipped"}
    assert "inactive" in bare.on("spark-1", "docker info --format '{{.Swarm.LocalNodeState}}'")

    bare.do("power", "spark-2", "off")
    bare.do("power", "spark-2", "on")
    again = bare.runbook_of(inventory, "--fix", "--train", "none")
    assert (again.exit, again.changes) == (0, []), told(again)

    undone = bare.runbook_of(inventory, "--undo", fixed.report["run"]["id"])
    assert undone.exit == 0, told(undone)
    assert bare.states() ^ before == set()
