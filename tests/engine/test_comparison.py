"""What an assertion compared is told in words that need no Python."""

import pytest

from engine.comparison import Comparison, compared, passed_comparison, tell


@pytest.mark.parametrize(
    ("operator", "left", "right", "found", "expected"),
    [
        ("==", "runc", "nvidia", "runc", "nvidia"),
        ("is", None, True, "nothing", "yes"),
        ("!=", (), (), "nothing", "anything but nothing"),
        ("in", "nvidia", ("runc", "crun"), "runc, crun", "nvidia among them"),
        ("not in", 29500, frozenset({29500, 22}), "22, 29500", "29500 not among them"),
        ("<=", 91.5, 85.0, "91.5", "at most 85.0"),
        ("<", 2, 1, "2", "less than 1"),
        (">=", "1.18", "1.19", "1.18", "at least 1.19"),
        (">", 0, 0, "0", "more than 0"),
    ],
)
def test_found_and_expected_are_told_apart(
    operator: str, left: object, right: object, found: str, expected: str
) -> None:
    assert compared(operator, left, right) == Comparison(found, expected)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (False, "no"),
        (None, "nothing"),
        ("", "nothing"),
        ({}, "nothing"),
        ({"a": (1, 2), "b": None}, "a: 1, 2, b: nothing"),
        ({"b", "a"}, "a, b"),
        ([["x"], "y"], "x, y"),
    ],
)
def test_values_are_told_without_quotes_and_brackets(value: object, words: str) -> None:
    assert tell(value) == words


def test_a_comparison_that_held_is_read_from_pytests_account() -> None:
    assert passed_comparison('node.docker.active == "active"', "'active' == 'active'") == Comparison("active", "active")


def test_of_a_long_account_the_first_line_counts() -> None:
    account = "['a', 'b'] == ['a', 'b']\n  \n  Full diff:\n"
    assert passed_comparison("x == y", account) == Comparison("a, b", "a, b")


@pytest.mark.parametrize("source", ["call()", "a and b", "a < b < c", "not ("])
def test_what_compares_nothing_tells_nothing(source: str) -> None:
    assert passed_comparison(source, "anything") is None
