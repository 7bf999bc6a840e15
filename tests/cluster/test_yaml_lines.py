"""Every field of a YAML file knows its line, and YAML that means something else than it looks like is refused."""

import pytest

from cluster.errors import InventoryError
from cluster.yaml_lines import line_of, load_with_lines, spell

TEXT = "nodes:\n- name: a\n  address: 10.0.0.1\n\n- name: b\nssh:\n  user: nvidia\n"


def _refusal(text: str) -> str:
    with pytest.raises(InventoryError) as refused:
        load_with_lines(text, "file")
    return str(refused.value)


def test_every_field_is_found_on_its_line() -> None:
    _, lines = load_with_lines(TEXT, "file")
    fields = [("nodes",), ("nodes", 0, "address"), ("nodes", 1), ("nodes", 1, "name"), ("ssh", "user")]
    assert [lines[field] for field in fields] == [1, 3, 5, 5, 7]


def test_a_field_that_is_not_written_is_looked_for_around_it() -> None:
    _, lines = load_with_lines(TEXT, "file")
    assert line_of(("nodes", 1, "address"), lines) == 5
    assert line_of(("fabric", "subnets"), lines) == 1


def test_the_data_is_what_yaml_says() -> None:
    data, _ = load_with_lines("a: [1, two, null]\n", "file")
    assert data == {"a": [1, "two", None]}


def test_fields_are_spelled_as_a_person_would() -> None:
    assert spell(("nodes", 1, "address")) == "nodes[1].address"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3\n", "file:3: a stands here a second time (first on line 1)."),
        ("x:\n  k: 1\n  k: 2\n", "file:3: x.k stands here a second time (first on line 2)."),
        ("a: &one 1\nb: *one\n", "file:2: YAML aliases (*name) are not supported; write the value out."),
        ("a: !!bool perhaps\n", "file:1: YAML tags (!name) are not supported; write the plain value."),
        ("a: !!python/object:os.system x\n", "file:1: YAML tags (!name) are not supported; write the plain value."),
        ("a: [1\nb: 2\n", "file:2: this is not valid YAML: "),
        ("a:\n\t- 1\n", "file:2: this is not valid YAML: "),
        ("a: 2020-13-45\n", "file: this is not valid YAML: month must be in 1..12"),
        ("", "file is empty: "),
        ("[" * 500, "file: this is not valid YAML: "),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str, told: str) -> None:
    assert _refusal(text).startswith(told)
