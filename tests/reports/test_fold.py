"""However many nodes there are, the page shows each kind once, and loses none that differs."""

from collections.abc import Callable

import pytest

from reports.fold import FEW, folded
from reports.html import MOST_BYTES, to_html
from reports.markdown import to_markdown
from reports.model import Report
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
    assert f"Of {nodes} nodes" in page
    for told in (page, summary):
        assert f"spark-2 +{nodes - 3}" in told
        assert f"spark-{nodes - 1}" in told
        assert "no cable" in told


def test_the_counts_are_those_of_all_nodes(read: Read) -> None:
    page = to_html(read(large(40, {20: "no cable"})))
    assert f"{40 * CHECKS} checks: 1 failed, {40 * CHECKS - 1} passed." in page
