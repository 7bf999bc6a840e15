"""What the nodes do not share is told, and nothing else."""

from collections.abc import Callable

import pytest

from reports.drift import drift, odd_ones_out, weights_agree
from reports.html import to_html
from reports.model import Report
from tests.reports.pieces import Json, a_report
from tests.reports.samples import broken, healthy

Read = Callable[[Json], Report]


def test_the_node_that_differs_from_most_is_marked() -> None:
    assert odd_ones_out(["6.17", "6.17", "7.0", None]) == [False, False, True, False]


def test_nodes_that_are_alike_have_no_drift(read: Read) -> None:
    assert drift(read(healthy())) == []


def test_two_nodes_that_differ_are_both_marked(read: Read) -> None:
    kernel = next(one for one in drift(read(broken())) if one.name == "kernel")
    assert (kernel.values, kernel.odd) == (("6.17.0-1008-nvidia", "7.0.0-12-generic"), (True, True))


def test_a_fact_that_is_not_known_is_no_difference(read: Read) -> None:
    assert "docker" not in {one.name for one in drift(read(broken()))}


def test_what_one_node_does_not_have_is_a_difference(read: Read) -> None:
    (found,) = [one for one in drift(read(broken())) if one.subject == "packages"]
    assert (found.values, found.odd) == (("1.19.0", None), (True, True))


def test_what_a_node_did_not_tell_is_not_known_and_no_difference(read: Read) -> None:
    told = {"subject": "packages", "name": "x", "values": {"spark-1": "1", "spark-2": "1", "spark-3": "2"}}
    (found,) = drift(read(a_report([], nodes=4, drift=[told])))
    assert found.values == ("1", "1", "2", "not known")
    assert found.odd == (False, False, True, False)


def test_a_node_without_a_gpu_differs_as_having_none(read: Read) -> None:
    content = healthy()
    content["nodes"][1]["gpus"] = []
    assert [(one.name, one.values[1]) for one in drift(read(content))] == [("gpu", "none"), ("driver", "none")]


@pytest.mark.parametrize(("nodes", "badges"), [(2, 0), (3, 1)])
def test_of_two_nodes_none_is_marked_as_the_one_that_differs(read: Read, nodes: int, badges: int) -> None:
    content = a_report([], nodes=nodes)
    content["nodes"][1]["kernel"] = "7.0.0-12-generic"
    page = to_html(read(content))
    assert "What the nodes do not share" in page
    assert page.count("<em>differs</em>") == badges


@pytest.mark.parametrize(("field", "value", "name"), [("mtu", 1500, "MTU"), ("speed_mbps", 100_000, "speed")])
def test_a_link_that_differs_on_one_node_is_told(read: Read, field: str, value: int, name: str) -> None:
    content = a_report([], nodes=3)
    content["nodes"][2]["links"][2][field] = value
    (found,) = drift(read(content))
    assert (found.name, found.odd) == (f"enp1s0f1np1 {name}", (False, False, True))


@pytest.mark.parametrize(
    ("sums", "agree"), [(["a", "a"], True), (["a", "b"], False), (["a", None], None), (["a"], None)]
)
def test_weights_agree_only_where_all_sums_are_known(read: Read, sums: list[str | None], agree: bool | None) -> None:
    report = healthy()
    report["training"]["ranks"] = [{"rank": rank, "weights_sha256": value} for rank, value in enumerate(sums)]
    training = read(report).training
    assert training is not None
    assert weights_agree(training) is agree
