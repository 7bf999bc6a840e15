"""docs/report.md names every field that a report has, every outcome and every exit status of ours."""

import re
import types
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from engine.outcome import exit_status
from reports.model import Report
from reports.outcome import Outcome

DOC = Path(__file__).parents[2] / "docs" / "report.md"


def rows() -> dict[str, str]:
    """The rest of each row by the names in its first cell; one that begins with a dot goes on from the first."""
    found = {}
    for line in DOC.read_text(encoding="utf-8").splitlines():
        cells = re.match(r"\| (`[^|]+`) \|(.+)\|$", line)
        first, *others = re.findall(r"`([^`]+)`", cells[1]) if cells else [""]
        for name in (first, *others):
            found[first.rpartition(".")[0] + name if name.startswith(".") else name] = cells[2] if cells else ""
    return found


def models(annotation: Any) -> Iterator[tuple[str, type]]:
    """The model that an annotation holds, and whether it is one of a list."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        yield "", annotation
    elif get_origin(annotation) is tuple:
        yield from (("[]", model) for inner in get_args(annotation) for _, model in models(inner))
    elif get_origin(annotation) in (Union, types.UnionType):
        yield from (part for inner in get_args(annotation) for part in models(inner))


def fields(model: type, prefix: str = "") -> Iterator[str]:
    for name, annotation in get_type_hints(model).items():
        below = list(models(annotation))
        if not below:
            yield prefix + name
        for joint, inner in below:
            yield from fields(inner, f"{prefix}{name}{joint}.")


def is_told(field: str, told: dict[str, str]) -> bool:
    """A field has a row of its own, or is named in the row of the list that it is in."""
    owner, _, name = field.rpartition(".")
    return field in told or any(f"`{name}`" in told.get(one, "") for one in (owner, owner.removesuffix("[]")))


def test_every_field_of_a_report_is_told() -> None:
    told = rows()
    every = list(fields(Report))
    assert len(every) > 40
    assert [field for field in every if not is_told(field, told)] == []


def test_every_outcome_is_told() -> None:
    assert {outcome.value for outcome in Outcome} <= set(rows())


def test_the_outcomes_that_are_told_as_ready_are_those_that_end_with_0() -> None:
    told = {outcome: rows()[outcome.value].rpartition("|")[2].strip() == "yes" for outcome in Outcome}
    assert told == {outcome: exit_status([outcome]) == 0 for outcome in Outcome}


def test_every_exit_status_that_we_set_is_told() -> None:
    statuses = {exit_status([outcome]) for outcome in Outcome}
    told = {int(found) for found in re.findall(r"^\| (\d) \|", DOC.read_text(encoding="utf-8"), re.MULTILINE)}
    assert statuses | {2, 3, 4, 5} == told
