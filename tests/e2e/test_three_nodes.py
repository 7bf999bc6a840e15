"""Three nodes, with a switch between them instead of a cable."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.lab import ROOT, Lab, told

pytestmark = pytest.mark.lab

NODES = ["spark-1", "spark-2", "spark-3"]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("three"), tmp_path_factory.mktemp("reports"))
    try:
        lab.do("up", "--nodes", "3")
        yield lab
    finally:
        lab.do("down")


def test_three_nodes_become_ready(three: Lab) -> None:
    archive = Path(yaml.safe_load(three.do("inventory"))["image"]["archive"])
    load = [sys.executable, "-m", "lab", "exec", "spark-1", "--", "docker", "load", "--quiet"]
    with archive.open("rb") as file:
        subprocess.run(load, cwd=ROOT, env={**os.environ, **three.environment}, stdin=file, check=True, timeout=200)
    run = three.runbook("--fix", "--train", "none")
    assert run.exit == 0, told(run)
    assert [node["name"] for node in run.report["nodes"]] == NODES
    image = {one["node"]: one for one in run.report["checks"] if one["id"] == "stack.image"}
    assert [image[node]["outcome"] for node in NODES] == ["passed", "fixed", "fixed"]
    # Both workers took it at the same time, from the one that was there.
    later = max(image["spark-2"]["started"], image["spark-3"]["started"])
    assert all(one["started"] + one["seconds"] > later for one in (image["spark-2"], image["spark-3"]))
    members = three.on("spark-1", "docker node ls --format '{{.Hostname}} {{.Status}}'").splitlines()
    assert sorted(members) == [f"{node} Ready" for node in NODES]
    addresses = {three.on(node, "ip -o -4 addr show enp1s0f1np1 | awk '{print $4}'").strip() for node in NODES}
    assert addresses == {"192.168.100.1/24", "192.168.100.2/24", "192.168.100.3/24"}


def test_three_managers_outlive_their_leader_and_are_taken_back(three: Lab, tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(f"{three.do('inventory')}managers: 3\n")
    fixed = three.runbook_of(f"--inventory={path}", "--fix", "--train", "none")
    assert (fixed.exit, len(fixed.changes)) == (0, 2), told(fixed)
    assert all("docker node promote" in change for change in fixed.changes)
    three.do("power", "spark-1", "off")
    try:
        assert "Leader" in three.on("spark-2", "for t in $(seq 60); do docker node ls && break; sleep 1; done 2>&1")
    finally:
        three.do("power", "spark-1", "on")
    undone = three.runbook_of(f"--inventory={path}", "--undo", fixed.report["run"]["id"])
    assert undone.exit == 0, told(undone)
    managers = three.on("spark-1", "docker node ls --filter role=manager --format '{{.Hostname}}'")
    assert managers.split() == ["spark-1"]


def test_a_node_is_taken_out_and_back_in_when_that_is_allowed(three: Lab, tmp_path: Path) -> None:
    whole = three.do("inventory")
    fewer = yaml.safe_load(whole)
    fewer["nodes"] = [node for node in fewer["nodes"] if node["name"] != "spark-3"]
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(fewer))
    two = f"--inventory={tmp_path / 'two.yaml'}"
    # The test before had the leader off for a while, and a node that is down is no stranger to be taken out.
    all_ready = "test $(docker node ls --format '{{.Status}}' | grep -c Ready) = 3"
    three.on("spark-1", f"for t in $(seq 60); do {all_ready} && exit 0; sleep 1; done; exit 1")

    asked = three.runbook_of(two, "--fix", "--train", "none")
    assert asked.exit == 1
    assert "--allow remove-node" in asked.report["next"]
    assert "spark-3" in three.on("spark-1", "docker node ls"), "nothing was removed without being asked to"

    out = three.runbook_of(two, "--fix", "--train", "none", "--allow", "remove-node", "--allow", "recreate-stack")
    assert out.exit == 0, told(out)
    assert "spark-3" not in three.on("spark-1", "docker node ls")
    assert "finetune" in three.on("spark-2", "docker ps --format '{{.Names}}'")

    back = three.runbook("--fix", "--train", "none", "--allow", "leave-swarm", "--allow", "recreate-stack")
    assert back.exit == 0, told(back)
    assert three.on("spark-1", "docker node ls --format '{{.Hostname}}'").count("spark-3") == 1
