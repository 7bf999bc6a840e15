"""Several nodes in one sentence."""

import pytest

from engine.naming import MOST_NAMED, named, of_any_node

ALL = [f"spark-{number}" for number in range(1, 33)]


def test_a_few_nodes_are_all_named() -> None:
    assert named(ALL[:2]) == "spark-1 and spark-2"
    assert named(ALL[: MOST_NAMED + 1]).count("spark") == MOST_NAMED + 1


def test_of_many_nodes_the_first_are_named_and_the_others_counted() -> None:
    assert named(ALL) == f"{', '.join(ALL[:MOST_NAMED])} and {len(ALL) - MOST_NAMED} more"


def test_all_of_many_nodes_are_called_so_and_a_few_by_their_names() -> None:
    assert named(ALL, of=32) == "all 32 nodes"
    assert named(ALL[:3], of=3) == "spark-1 and spark-2 and spark-3"
    assert named(ALL[:4], of=5) == "spark-1 and spark-2 and spark-3 and spark-4"


@pytest.mark.parametrize(
    ("text", "alike"),
    [
        ("spark-1 gave no answer", "the node gave no answer"),
        ("`systemctl show docker` on spark-1: it failed", "`systemctl show docker` on the node: it failed"),
        ("run `ssh spark-1 id`, then look at spark-1", "run `ssh spark-1 id`, then look at the node"),
        ("spark-10 and my-spark-1 and spark-1-old", "spark-10 and my-spark-1 and spark-1-old"),
        ("spark-1 (192.168.1.21 port 22) refuses it", "the node refuses it"),
        ("spark-2 (192.168.1.22 port 22) refuses it", "spark-2 (192.168.1.22 port 22) refuses it"),
        (None, None),
    ],
)
def test_what_is_true_of_any_node_names_none_but_in_commands(text: str | None, alike: str | None) -> None:
    assert of_any_node(text, "spark-1") == alike
    assert of_any_node(text, None) == text
