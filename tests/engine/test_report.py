"""What report.json tells of a node: the ports of the fabric, the management network, the swarm."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.facts.adapter import AdapterFacts
from cluster.facts.docker import DockerFacts
from cluster.facts.network import NetworkFacts
from engine.report import describe_node, write_report
from tests.runbook.recorded import Recorded
from tests.runbook.sparks import PORT, TWIN, addresses, in_order, link, ports


@pytest.fixture
def sparks(tmp_path: Path) -> Recorded:
    return in_order(Recorded(tmp_path))


def links_of(sparks: Recorded) -> Any:
    return describe_node(sparks.cluster["spark-1"])["links"]


def test_every_port_of_the_fabric_is_told_with_speed_mtu_and_addresses(sparks: Recorded) -> None:
    (port,) = [one for one in links_of(sparks) if one["name"] == PORT]
    assert port == {
        "name": PORT,
        "network": "fabric",
        "up": True,
        "speed_mbps": 200000,
        "mtu": 1500,
        "addresses": ["192.168.101.1/24"],
    }


def test_a_port_without_a_cable_is_told_as_down(sparks: Recorded) -> None:
    sparks.said(NetworkFacts, "spark-1", ports=ports(up=(TWIN,)))
    assert {one["name"]: one["up"] for one in links_of(sparks)} == {PORT: False, TWIN: True}


def test_the_interface_by_which_the_node_is_reached_is_the_management_network(sparks: Recorded) -> None:
    here = link(TWIN, 1, ifname="enP7s7", addr_info=addresses("192.0.2.11/24"))
    other = link(TWIN, 1, ifname="docker0", addr_info=addresses("172.17.0.1/16"))
    sparks.cluster["spark-1"].address = "192.0.2.11"
    sparks.said(NetworkFacts, "spark-1", links=json.dumps([here, other]), ports="")
    assert [(one["name"], one["network"]) for one in links_of(sparks)] == [("enP7s7", "management")]


def test_a_speed_that_could_not_be_read_is_null_and_the_rest_is_told(sparks: Recorded) -> None:
    sparks.cluster["spark-1"].forget_about(AdapterFacts)
    assert {one["speed_mbps"] for one in links_of(sparks)} == {None}


def test_links_that_could_not_be_read_are_null(sparks: Recorded) -> None:
    sparks.cluster["spark-1"].forget_about(NetworkFacts)
    assert links_of(sparks) is None


@pytest.mark.parametrize(
    ("swarm", "told"),
    [
        ('{"LocalNodeState": "active", "ControlAvailable": true}', "manager"),
        ('{"LocalNodeState": "active"}', "worker"),
        ('{"LocalNodeState": "inactive"}', "inactive"),
    ],
)
def test_the_role_in_the_swarm_is_what_docker_says(sparks: Recorded, swarm: str, told: str) -> None:
    daemon = '"ServerVersion": "28.5.1", "Runtimes": {}, "DefaultRuntime": "runc", "Architecture": "aarch64"'
    engine = f'{{{daemon}, "Swarm": {swarm}}}'
    sparks.said(DockerFacts, "spark-1", engine=engine)
    assert describe_node(sparks.cluster["spark-1"])["swarm"] == told


def test_a_line_of_the_file_is_a_check(tmp_path: Path) -> None:
    checks = [{"id": "a", "found": "one\ntwo"}, {"id": "b", "found": "\u2028"}]
    path = write_report(tmp_path, {"id": "x"}, (), {"checks": checks, "drift": [], "next": None, "steps": ["s"]})
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == {
        "schema": 1, "run": {"id": "x"}, "nodes": [], "checks": checks, "drift": [], "next": None, "steps": ["s"]
    }  # fmt: skip
    assert [json.loads(line.rstrip(",")) for line in text.splitlines() if line.startswith('{"id"')] == checks


def test_a_report_that_cannot_be_made_whole_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    def checks() -> Iterator[dict[str, str]]:
        yield {"id": "a"}
        raise KeyboardInterrupt

    path = write_report(tmp_path, {"id": "old"}, (), {"checks": []})
    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path, {"id": "new"}, (), {"checks": checks()})
    assert [one.name for one in tmp_path.iterdir()] == ["report.json"]
    assert json.loads(path.read_text(encoding="utf-8"))["run"] == {"id": "old"}
