"""Three nodes, with a switch between them instead of a cable."""

from collections.abc import Iterator

import pytest

from tests.e2e.lab import Lab

pytestmark = pytest.mark.lab

NODES = ["spark-1", "spark-2", "spark-3"]


@pytest.fixture
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("three"), tmp_path_factory.mktemp("reports"))
    try:
        lab.do("up", "--nodes", "3")
        yield lab
    finally:
        lab.do("down")


def test_three_nodes_become_ready(three: Lab) -> None:
    run = three.runbook("--fix", "--train", "none")
    assert run.exit == 0, run.screen
    assert [node["name"] for node in run.report["nodes"]] == NODES
    members = three.on("spark-1", "docker node ls --format '{{.Hostname}} {{.Status}}'").splitlines()
    assert sorted(members) == [f"{node} Ready" for node in NODES]
    addresses = {three.on(node, "ip -o -4 addr show enp1s0f1np1 | awk '{print $4}'").strip() for node in NODES}
    assert addresses == {"192.168.100.1/24", "192.168.100.2/24", "192.168.100.3/24"}
