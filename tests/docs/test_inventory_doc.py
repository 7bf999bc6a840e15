"""docs/inventory.md lists the keys that there are, and every example in it and in README.md can be used as it is."""

import re
import types
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, Union, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cluster.inventory import Inventory
from cluster.inventory_file import parse_inventory

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "inventory.md"
NOT_A_KEY = {"local"}


def examples(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [dedent(found) for found in re.findall(r"^ *```yaml\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)]


def documented() -> dict[str, list[str]]:
    """The rows of the table of keys: type, default and meaning by key."""
    rows = re.findall(r"^\| `([a-z_.\[\]]+)` \|(.+)\|$", DOC.read_text(encoding="utf-8"), re.MULTILINE)
    return {key: [cell.strip() for cell in rest.split("|")] for key, rest in rows}


def parts(annotation: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    """The model that an annotation holds, if any, and how a key below it is written."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield ".", annotation
    elif get_origin(annotation) is tuple:
        yield from (("[].", model) for inner in get_args(annotation) for _, model in parts(inner))
    elif get_origin(annotation) in (Union, types.UnionType):
        yield from (part for inner in get_args(annotation) for part in parts(inner))


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if prefix + name in NOT_A_KEY:
            continue
        yield prefix + name, field.default
        if name == "thresholds":  # docs/checks.md is where they are listed
            continue
        for joint, below in parts(field.annotation):
            yield from fields(below, prefix + name + joint)


def written(value: object, prefix: str = "") -> Iterator[str]:
    """All keys that stand in an example."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield prefix + key
            yield from written(inner, f"{prefix}{key}.")
    elif isinstance(value, list):
        for inner in value:
            yield from written(inner, prefix.removesuffix(".") + "[].")


@pytest.mark.parametrize("path", [ROOT / "README.md", DOC], ids=lambda path: path.name)
def test_every_example_is_a_valid_inventory(path: Path) -> None:
    found = examples(path)
    assert found != []
    for number, text in enumerate(found, 1):
        assert parse_inventory(text, f"example {number} of {path.name}").nodes != ()


def test_the_table_lists_the_keys_that_there_are_in_their_order() -> None:
    assert list(documented()) == [key for key, _ in fields(Inventory)]


def test_the_keys_of_parts_of_the_inventory_are_found_too() -> None:
    assert {"nodes[].name", "ssh.known_hosts", "mounts[].source"} <= {key for key, _ in fields(Inventory)}


def test_the_last_example_has_every_key() -> None:
    told = yaml.safe_load(examples(DOC)[-1])
    told["thresholds"] = {}
    assert set(written(told)) == {key for key, _ in fields(Inventory)} - {"image.base"}, (
        "base, or else name and archive"
    )


def test_the_table_tells_the_defaults_of_the_code() -> None:
    plain = {key: default for key, default in fields(Inventory) if isinstance(default, (str, int, float, Path))}
    assert len(plain) > 10
    told = {key: documented()[key][1] for key in plain}
    assert told == {key: f"`{str(default).lower()}`" for key, default in plain.items()}


def test_the_table_says_which_keys_are_required() -> None:
    required = {key for key, default in fields(Inventory) if default is PydanticUndefined}
    assert {key for key, cells in documented().items() if cells[1] == "required"} == required
