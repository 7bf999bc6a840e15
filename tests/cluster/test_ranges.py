"""A range in the inventory stands for its nodes, and a limit chooses some of them."""

import pytest

from cluster.cluster import Cluster
from cluster.errors import InventoryError
from cluster.facts.doors import SWARM_MANAGER, wanted_doors
from cluster.inventory import NodeEntry
from cluster.inventory_file import parse_inventory
from cluster.limit import choose
from tests.cluster.nodes import tell_links

RACK = "nodes:\n- name: spark-[01:12]\n  address: 10.0.0.[11:22]\n  group: rack-a\n- name: alone\n  group: rack-b\n"


def _nodes(text: str = RACK) -> tuple[NodeEntry, ...]:
    return parse_inventory(text, "cluster.yaml").nodes


def _refusal(text: str) -> str:
    with pytest.raises(InventoryError) as refused:
        _nodes(text)
    return str(refused.value)


def test_a_range_stands_for_its_nodes_with_their_addresses() -> None:
    nodes = _nodes()
    assert len(nodes) == 13
    assert (nodes[0].name, nodes[0].address) == ("spark-01", "10.0.0.11")
    assert (nodes[11].name, nodes[11].address) == ("spark-12", "10.0.0.22")
    assert (nodes[12].name, nodes[12].address) == ("alone", None)


def test_zeros_in_front_are_kept_where_they_are_written() -> None:
    assert [node.name for node in _nodes("nodes: [{name: 'a[8:11]'}, {name: 'b[08:11]'}]")] == [
        *("a8", "a9", "a10", "a11"),
        *("b08", "b09", "b10", "b11"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nodes:\n- name: s[3:1]\n", "cluster.yaml:2: nodes[0].name: [3:1] runs backwards"),
        ("nodes:\n- name: s[1:2]-[1:2]\n", "cluster.yaml:2: nodes[0].name: two ranges stand in it"),
        ("nodes:\n- name: s[1:99999]\n", "cluster.yaml:2: nodes[0].name: [1:99999] stands for 99999 nodes"),
        (
            "nodes:\n- name: s[1:3]\n  address: h[1:2]\n",
            "cluster.yaml:3: nodes[0].address: it stands for 2 nodes, and name for 3 nodes",
        ),
        ("nodes:\n- name: s\n  address: h[1:2]\n", "cluster.yaml:3: nodes[0].address: it stands for 2 nodes"),
        ("nodes:\n- name: s[1:3]\n  role: manager\n", "cluster.yaml:3: nodes[0].role: one node is manager"),
        ("nodes:\n- name: s[1:3]\n- name: s2\n", "cluster.yaml:3: nodes[1].name: another node is called s2"),
        ("nodes:\n- name: s[1:3]\n- name: b\n  colour: red\n", "cluster.yaml:4: nodes[1].colour: unknown key"),
        ("nodes:\n- name: s[1:3\n", "cluster.yaml:2: nodes[0].name: this has a character"),
    ],
)
def test_a_range_that_is_none_is_told_where_it_is_written(text: str, told: str) -> None:
    assert _refusal(text).startswith(told)


@pytest.mark.parametrize(
    ("limit", "chosen"),
    [
        ("spark-03", {"spark-03"}),
        ("spark-03, alone", {"spark-03", "alone"}),
        ("spark-1*", {"spark-10", "spark-11", "spark-12"}),
        ("spark-[01:03]", {"spark-01", "spark-02", "spark-03"}),
        ("rack-b", {"alone"}),
        ("!rack-a", {"alone"}),
        ("rack-a,!spark-[02:12]", {"spark-01"}),
    ],
)
def test_a_limit_chooses_by_name_pattern_range_and_group(limit: str, chosen: set[str]) -> None:
    assert choose(limit, _nodes()) == chosen


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("spark-13", "--limit spark-13: no node or group is called spark-13; there are alone, rack-a,"),
        ("spark-[11:14]", "--limit spark-[11:14]: no node or group is called spark-13"),
        ("spark-[2:1]", "--limit spark-[2:1]: [2:1] runs backwards"),
        ("alone,!rack-b", "--limit alone,!rack-b: no node is left."),
    ],
)
def test_a_limit_that_fits_nobody_is_told(limit: str, told: str) -> None:
    with pytest.raises(InventoryError) as refused:
        choose(limit, _nodes())
    assert str(refused.value).startswith(told)


def test_a_node_keeps_its_rank_when_others_are_left_out() -> None:
    inventory = parse_inventory(RACK, "cluster.yaml")
    cluster = Cluster(inventory, only=choose("spark-05,spark-02", inventory.nodes))
    assert [(node.name, node.rank) for node in cluster.nodes] == [("spark-02", 1), ("spark-05", 4)]


@pytest.mark.parametrize(("limit", "knocked"), [("spark-02,spark-03", set()), ("spark-01,spark-02", {"192.168.100.1"})])
def test_the_managers_ports_are_asked_for_at_the_manager_alone(limit: str, knocked: set[str]) -> None:
    inventory = parse_inventory(RACK, "cluster.yaml")
    cluster = Cluster(inventory, only=choose(limit, inventory.nodes))
    tell_links(cluster)
    doors = [door for node in cluster.nodes for door in wanted_doors(node)]
    assert {peer for _, peer, port in doors if port == SWARM_MANAGER} == knocked
    assert {peer for _, peer, port in doors if port == "29500/tcp"} == knocked
