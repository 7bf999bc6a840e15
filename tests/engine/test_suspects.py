"""What differs is found: against the last ready run, else against the nodes where the check holds."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.facts.adapter import AdapterFacts
from cluster.facts.base import Reading
from cluster.facts.docker import DockerFacts
from cluster.facts.gpu import GpuFacts
from cluster.facts.machine import MachineFacts
from cluster.facts.state import StateFacts
from cluster.inventory_file import parse_inventory
from engine.suspects import (
    FILE,
    Difference,
    States,
    between_nodes,
    differing,
    keep_states,
    last_ready,
    neutral,
    read_states,
    since_ready,
)

SYSCTL = """\
/proc/sys/net/ipv4/ip_forward:{forward}
/proc/sys/kernel/random/uuid:{name}
/proc/sys/kernel/hostname:{name}
"""
LINK = '[{{"ifname": "enp1s0f1np1", "operstate": "UP", "mtu": {mtu}, "flags": ["UP"], "address": "aa:bb:cc:dd:ee:ff"}}]'


@pytest.fixture
def cluster() -> Cluster:
    nodes = "".join(f"  - {{name: spark-{number}, address: 10.0.0.{number}}}\n" for number in (1, 2, 3))
    made = Cluster(parse_inventory(f"nodes:\n{nodes}", "cluster.yaml"))
    for node in made.nodes:
        said(made, node.name)
    return made


def said(cluster: Cluster, name: str, *, forward: int = 1, mtu: int = 1500, routes: str = "") -> None:
    node = cluster[name]
    answers = {
        "settings": SYSCTL.format(forward=forward, name=name),
        "links": LINK.format(mtu=mtu),
        "routes": f"default via 10.0.0.254 src {node.address}\n{routes}",
    }
    readings = {name: Reading(name, 0, out, "") for name, out in answers.items()}
    missing = {probe.name: Reading("", None, "", "", "no") for probe in StateFacts.probes(node)}
    node.keep(StateFacts(node, missing | readings))
    for kind in (DockerFacts, MachineFacts, GpuFacts, AdapterFacts):
        node.keep(kind(node, defaultdict(lambda: Reading("", None, "", "", "no"))))


def told(cluster: Cluster, *failing: str) -> list[tuple[str, str, str, str | None, str | None]]:
    found = between_nodes(neutral(cluster, read_states(cluster)), failing)
    return [(one.node, one.subject, one.name, one.here, one.there) for one in found]


def test_nodes_that_differ_only_in_what_is_their_own_differ_in_nothing(cluster: Cluster) -> None:
    assert told(cluster, "spark-2") == []


@pytest.mark.parametrize(
    ("text", "alike"),
    [
        ("default via 10.0.0.3 on spark-2", "default via (a peer's) on (its own)"),
        ("it is 10.0.0.3.", "it is (a peer's)."),
        ("10.0.0.33", "10.0.0.33"),
        ("10.0.0.3:2377 spark-1.lan", "(a peer's):2377 (a peer's).lan"),
        ("dial fd00::2, not fd00::22", "dial (its own), not fd00::22"),
        ("spark-2-old my-spark-2 x.spark-2 spark-2_x", "spark-2-old my-spark-2 x.spark-2 spark-2_x"),
        ("aa:bb:cc:dd:ee:ff on spark-3", "(its own) on (a peer's)"),
    ],
)
def test_names_and_addresses_are_written_alike(text: str, alike: str) -> None:
    nodes = "{name: spark-1}, {name: spark-2, address: 'fd00::2'}, {name: spark-3, address: 10.0.0.3}"
    made = Cluster(parse_inventory(f"nodes: [{nodes}]", "cluster.yaml"))
    assert neutral(made, {"spark-2": {"settings": {"it": text}}}) == {"spark-2": {"settings": {"it": alike}}}


def test_what_a_failing_node_alone_has_is_told(cluster: Cluster) -> None:
    said(cluster, "spark-2", forward=0, mtu=9000, routes="blackhole 192.168.100.0/24\n")
    assert told(cluster, "spark-2") == [
        ("spark-2", "links", "enp1s0f1np1", "UP, MTU 9000, UP", "UP, MTU 1500, UP"),
        ("spark-2", "routes", "blackhole 192.168.100.0/24", "there", None),
        ("spark-2", "settings", "net.ipv4.ip_forward", "0", "1"),
    ]


def test_what_a_healthy_node_has_as_well_is_no_suspect(cluster: Cluster) -> None:
    said(cluster, "spark-2", forward=0)
    said(cluster, "spark-3", forward=0)
    assert told(cluster, "spark-2") == []


def test_where_no_node_is_named_each_is_compared_with_the_first(cluster: Cluster) -> None:
    said(cluster, "spark-3", forward=0)
    assert told(cluster) == [("spark-3", "settings", "net.ipv4.ip_forward", "0", "1")]


def test_what_could_not_be_read_is_no_difference(cluster: Cluster) -> None:
    node = cluster["spark-2"]
    node.keep(StateFacts(node, {probe.name: Reading("", None, "", "", "no") for probe in StateFacts.probes(node)}))
    assert told(cluster, "spark-2") == []


def test_the_last_ready_run_is_kept_for_its_owner_alone_and_compared_with(cluster: Cluster, tmp_path: Path) -> None:
    keep_states(tmp_path / "20260101-000000-fix", "20260101-000000-fix", read_states(cluster))
    assert (tmp_path / "20260101-000000-fix" / FILE).stat().st_mode & 0o777 == 0o600
    said(cluster, "spark-1", forward=0)
    ready = last_ready(tmp_path, cluster.names)
    assert ready is not None
    found = since_ready(read_states(cluster), ready[1], ready[0], cluster.names)
    assert [(one.node, one.name, one.here, one.there) for one in found] == [
        ("spark-1", "net.ipv4.ip_forward", "0", "1")
    ]
    assert found[0].compared_with == "run 20260101-000000-fix, when it was ready"


def test_the_newest_whole_file_of_these_nodes_counts(cluster: Cluster, tmp_path: Path) -> None:
    states = read_states(cluster)
    keep_states(tmp_path / "20260101-000000-fix", "old", states)
    keep_states(tmp_path / "20260102-000000-fix", "new", states)
    keep_states(tmp_path / "20260103-000000-fix", "others", States({"spark-1": {}}))
    torn = tmp_path / "20260104-000000-fix"
    torn.mkdir()
    (torn / FILE).write_text(json.dumps({"run": "torn"})[:-1])
    ready = last_ready(tmp_path, cluster.names)
    assert ready is not None
    assert ready[0] == "new"


def test_what_the_nodes_do_not_share_is_told_by_node(cluster: Cluster) -> None:
    said(cluster, "spark-2", forward=0)
    assert differing(neutral(cluster, read_states(cluster))) == [
        Difference("settings", "net.ipv4.ip_forward", {"spark-1": "1", "spark-2": "0", "spark-3": "1"})
    ]


def test_what_only_one_node_has_is_told_as_missing_on_the_others(cluster: Cluster) -> None:
    said(cluster, "spark-3", routes="10.9.0.0/24 via 10.0.0.9\n")
    (found,) = differing(neutral(cluster, read_states(cluster)))
    assert [value is None for value in found.values.values()] == [True, True, False]


def test_nodes_that_are_alike_but_for_what_is_their_own_do_not_differ(cluster: Cluster) -> None:
    assert differing(neutral(cluster, read_states(cluster))) == []
