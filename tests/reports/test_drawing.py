"""The drawing shows every node with its networks, and marks the part that fails."""

from collections.abc import Callable
from inspect import isfunction
from itertools import combinations

import pytest
from pydantic import TypeAdapter

from engine.catalogue import modules
from engine.check import declared
from reports.drawing import WIDTH, Box, draw
from reports.model import Check, Located, Report
from reports.outcome import Outcome
from reports.parts import about_link, part_of
from tests.reports.pieces import Json, a_check, a_report

Read = Callable[[Json], Report]


def declared_ids() -> list[str]:
    functions = [(one, module) for module in modules() for one in vars(module).values() if isfunction(one)]
    return [found.id for one, module in functions if (found := declared(one, module))]


def box(read: Read, check: Json, node: str = "spark-2", nodes: int = 2) -> Box:
    drawing = draw(read(a_report([check], nodes=nodes)))
    return next(box for box in drawing.boxes if box.node.name == node)


def marked(box: Box) -> list[str]:
    return [row.label for row in (*box.rows, *box.ports) if row.outcome and row.outcome.needs_attention]


@pytest.mark.parametrize(
    ("check", "label"),
    [
        ("ssh.sudo", "10.77.0.12"),
        ("machine.clock", "10.77.0.12"),
        ("gpu.offered", "NVIDIA GB10"),
        ("docker.usable", "Docker 28.5.1"),
        ("swarm.joined", "swarm: worker"),
        ("train.finished", "stack and training"),
    ],
)
def test_the_part_that_a_check_is_about_is_marked_and_leads_to_it(read: Read, check: str, label: str) -> None:
    failing = box(read, a_check(check, 1, "spark-2", "failed"))
    assert marked(failing) == [label]
    assert {row.check for row in failing.rows if row.label == label} == {0}
    assert failing.outcome is Outcome.FAILED


def test_the_subject_of_every_check_has_its_part() -> None:
    assert len(declared_ids()) > 100
    told = [TypeAdapter(Check).validate_python(a_check(one, 1, None)) for one in declared_ids()]
    assert {check.id for check in told if part_of(check) is None} == set()


def test_a_failure_that_names_an_interface_marks_that_port_alone(read: Read) -> None:
    check = a_check("network.linked", 1, "spark-2", "failed", cause="enP2p1s0f1np1 has no carrier")
    assert marked(box(read, check)) == ["enP2p1s0f1np1"]


def test_a_failure_that_names_an_address_marks_the_port_that_has_it(read: Read) -> None:
    check = a_check("network.reachable", 1, "spark-2", "failed", cause="192.168.100.2 is silent")
    assert marked(box(read, check)) == ["enp1s0f1np1"]


def test_an_address_is_not_taken_for_one_that_begins_alike(read: Read) -> None:
    check = a_check("network.reachable", 1, "spark-2", "failed", cause="192.168.100.21 is silent", found=None)
    assert marked(box(read, check)) == []


def test_a_failure_of_the_fabric_that_names_no_link_marks_all_ports(read: Read) -> None:
    check = a_check("rdma.active", 1, "spark-2", "failed", cause="no module is loaded")
    assert marked(box(read, check)) == ["enp1s0f1np1", "enP2p1s0f1np1"]


def test_a_failure_of_the_whole_cluster_marks_the_lane_between_the_nodes(read: Read) -> None:
    check = a_check("network.mtu", 1, None, "failed", cause="enp1s0f1np1 of spark-1 has 1500")
    drawing = draw(read(a_report([check])))
    broken = [line for line in drawing.lines if line.outcome is Outcome.FAILED]
    assert [line.kind for line in broken] == ["lane"]


@pytest.mark.parametrize(
    ("check", "broken"),
    [("ssh.reachable", True), ("ssh.prompt", True), ("ssh.sudo", False), ("machine.disk_used", False)],
)
def test_the_line_to_a_node_is_broken_where_it_cannot_be_reached(read: Read, check: str, broken: bool) -> None:
    drawing = draw(read(a_report([a_check(check, 1, "spark-2", "failed")], nodes=2)))
    lines = [line.outcome for line in drawing.lines if line.kind == "management"]
    assert (Outcome.FAILED in lines) == broken


def test_other_nodes_are_not_marked(read: Read) -> None:
    assert marked(box(read, a_check("gpu.offered", 4, "spark-2", "failed"), "spark-1")) == []


def test_a_port_tells_speed_address_and_mtu(read: Read) -> None:
    ports = box(read, a_check("docker.usable", 2, "spark-2")).ports
    assert [(port.label, port.aside, port.below) for port in ports] == [
        ("enp1s0f1np1", "200 Gb/s", "192.168.100.2/24 · MTU 9000"),
        ("enP2p1s0f1np1", "200 Gb/s", "192.168.101.2/24 · MTU 9000"),
    ]


def test_where_no_port_has_a_carrier_all_are_shown_without_one(read: Read) -> None:
    content = a_report([])
    for link in content["nodes"][0]["links"]:
        link |= {"up": False, "addresses": [], "speed_mbps": None}
    ports = draw(read(content)).boxes[0].ports
    assert {port.aside for port in ports} == {"no carrier"}
    assert len(ports) == 3


@pytest.mark.parametrize(("end", "solid"), [(None, 6), (0, 4), (1, 4)])
def test_a_lane_with_a_port_that_has_no_carrier_is_not_drawn_as_joined(read: Read, end: int | None, solid: int) -> None:
    content = a_report([])
    if end is not None:
        content["nodes"][end]["links"][3] |= {"up": False, "speed_mbps": None}
    lanes = [line for line in draw(read(content)).lines if line.kind == "lane"]
    # Of each of two lanes the line between the nodes, and the two that lead to it.
    assert sum(line.up for line in lanes) == solid


def test_a_port_of_a_node_alone_is_drawn_by_its_own_carrier(read: Read) -> None:
    content = a_report([], nodes=1)
    assert {line.up for line in draw(read(content)).lines} == {True}
    content["nodes"][0]["links"][3] |= {"up": False, "speed_mbps": None}
    assert [line.up for line in draw(read(content)).lines if line.kind == "lane"].count(False) == 2


def test_a_node_of_which_nothing_is_known_is_drawn_as_not_known(read: Read) -> None:
    content = a_report([], nodes=1)
    content["nodes"] = [dict.fromkeys(content["nodes"][0]) | {"name": "spark-1"}]
    (only,) = draw(read(content)).boxes
    assert [row.label for row in only.rows][1:4] == ["GPU not known", "Docker not known", "swarm: not known"]
    assert only.ports == ()


@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 5, 8, 17])
def test_boxes_do_not_overlap_and_lie_within_the_drawing(read: Read, nodes: int) -> None:
    drawing = draw(read(a_report([], nodes=nodes)))
    assert len(drawing.boxes) == nodes
    for one, other in combinations(drawing.boxes, 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= drawing.box_height
    assert all(one.x + WIDTH <= drawing.width and one.y + drawing.box_height <= drawing.height for one in drawing.boxes)
    spots = [spot.split(",") for line in drawing.lines for spot in line.points.split()]
    assert all(0 <= int(x) <= drawing.width and 0 <= int(y) <= drawing.height for x, y in spots)


def test_there_is_nothing_to_draw_of_no_node(read: Read) -> None:
    assert draw(read(a_report([], nodes=0))).boxes == ()


def test_a_check_that_holds_concerns_every_link(read: Read) -> None:
    report = read(a_report([a_check("network.mtu", 1, None, found="enp1s0f1np1: 9000")]))
    assert about_link(report.located, report.nodes[0].links or ()) == [Located(0, report.checks[0])]
