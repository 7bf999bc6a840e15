"""However many nodes there are, the page shows each kind once, and loses none that differs."""

from collections.abc import Callable

import pytest

from reports.causes import following
from reports.fold import FEW, folded
from reports.html import MOST_BYTES, to_html
from reports.markdown import to_markdown
from reports.model import Report
from tests.reports.page import Page
from tests.reports.pieces import Json, a_check, a_report

Read = Callable[[Json], Report]
CHECKS = 20


def large(nodes: int, odd: dict[int, str] | None = None) -> Json:
    """A run in which all nodes passed all checks, but for those in `odd`, which fail one for this reason."""
    checks = []
    for number in range(CHECKS):
        for node in range(nodes):
            cause = (odd or {}).get(node) if number == 7 else None
            outcome = "failed" if cause else "passed"
            told = a_check(
                f"subject.check_{number}", 1, f"spark-{node + 1}", outcome, title=f"Statement {number} holds"
            )
            checks.append(told | ({"cause": cause} if cause else {}))
    return a_report(checks, nodes=nodes)


def test_few_nodes_stand_for_themselves(read: Read) -> None:
    report = read(large(FEW, {3: "no cable"}))
    assert folded(report) == report


def test_nodes_that_came_to_the_same_are_one(read: Read) -> None:
    shown = folded(read(large(40, {20: "no cable", 25: "no cable", 30: "no power"})))
    assert [node.name for node in shown.nodes] == ["spark-1", "spark-2 +35", "spark-21 +1", "spark-31"]
    assert {check.node for check in shown.checks} == {node.name for node in shown.nodes}
    assert [cause.nodes for cause in shown.diagnosis] == [("spark-21 +1",), ("spark-31",)]


def test_a_value_that_only_some_nodes_have_tells_them_apart(read: Read) -> None:
    report = large(40)
    values = {f"spark-{node}": "6.17" if node < 30 else "6.14" for node in range(1, 41)}
    report["drift"] = [{"subject": "machine", "name": "kernel", "values": values}]
    shown = folded(read(report))
    assert shown.drift[0].values == {"spark-1": "6.17", "spark-2 +27": "6.17", "spark-30 +10": "6.14"}


@pytest.mark.parametrize("nodes", [32, 1000])
def test_the_page_of_a_large_cluster_is_small_and_shows_the_odd_one(read: Read, nodes: int) -> None:
    report = read(large(nodes, {nodes - 2: "no cable"}))
    page, summary = to_html(report), to_markdown(report)
    assert len(page) < MOST_BYTES / 2
    assert f"Of {nodes:,} nodes" in page
    for told in (page, summary):
        assert f"spark-2 +{nodes - 3}" in told
        assert f"spark-{nodes - 1}" in told
        assert "no cable" in told


def test_the_counts_are_those_of_all_nodes(read: Read) -> None:
    page = to_html(read(large(40, {20: "no cable"})))
    assert f"{40 * CHECKS} checks: 1 failed, {40 * CHECKS - 1} passed." in page


def test_what_is_counted_anywhere_on_the_page_is_counted_over_all_nodes(read: Read) -> None:
    content = large(40, {20: "no cable", 25: "no cable"})
    change = {"describe": "modprobe x", "risk": "safe", "applied": True}
    for check in content["checks"][:40]:
        check |= {"outcome": "fixed", "changes": [change], "warning": "it is slow"}
    page = Page(to_html(read(content)))
    passed = 40 * CHECKS - 42
    assert f"{passed} passed It was true as found." in page.text
    assert f"1 Configure network connectivity 2 failed 40 fixed {passed} passed" in page.text
    assert f"Outcomes 2 failed 40 fixed {passed} passed" in page.text
    assert "40 changes were made on 40 nodes:" in page.text
    assert "40 with a warning" in page.text


def test_every_node_of_a_cause_is_found_by_its_name(read: Read) -> None:
    page = Page(to_html(read(large(40, {20: "no cable", 25: "no cable", 30: "no power"}))))
    assert "failed · spark-21 +1 2 nodes spark-21, spark-26 no cable" in page.text


def test_the_filter_knows_a_node_for_which_another_stands(read: Read) -> None:
    page = Page(to_html(read(large(40, {20: "no cable", 25: "no cable"}))))
    at = [told.strip() for told in page.text_of["option"]].index("spark-26")
    assert [attrs for tag, attrs in page.elements if tag == "option"][at] == {"value": "spark-21 +1"}


def all_wrong(nodes: int) -> Json:
    """A run in which one check fails on every node, naming it, and all others wait for that."""
    checks = []
    for number in range(CHECKS * 4):
        for node in range(1, nodes + 1):
            told = a_check(f"subject.check_{number}", 1, f"spark-{node}", "blocked" if number else "failed")
            cause = f"`systemctl is-active docker` on spark-{node} said nothing" if number == 0 else None
            checks.append(told | {"title": f"Statement {number} holds", "cause": cause, "evidence": []})
    report = a_report(checks, nodes=nodes)
    first = report["diagnosis"][0]
    first["nodes"] = [node["name"] for node in report["nodes"]]
    first["explains"] = [{"id": check["id"], "node": check["node"]} for check in checks[nodes:]]
    report["diagnosis"] = [first] * 6
    return report


def test_a_cause_on_every_node_tells_each_check_that_follows_once(read: Read) -> None:
    report = read(all_wrong(8))
    groups = following(report, report.diagnosis[0])
    assert len(groups) == CHECKS * 4 - 1
    assert all(len(group) == 8 for group in groups)


def test_what_came_to_different_outcomes_is_told_apart_where_it_follows(read: Read) -> None:
    content = all_wrong(8)
    content["checks"][-1]["outcome"] = "unknown"
    report = read(content)
    assert [len(group) for group in following(report, report.diagnosis[0])][-2:] == [7, 1]


@pytest.mark.parametrize("nodes", [8, 32])
def test_the_page_of_a_cluster_where_nearly_nothing_holds_is_small(read: Read, nodes: int) -> None:
    page = to_html(read(all_wrong(nodes)))
    assert len(page) < MOST_BYTES
    assert f"{nodes * (CHECKS * 4 - 1):,} checks follow from it" in page
