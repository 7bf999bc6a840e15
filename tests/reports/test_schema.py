"""The published schema is that of the code, and what the engine writes keeps to it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from reports.__main__ import main
from reports.schema import FILE, schema
from tests.engine.project import Project
from tests.reports import samples
from tests.reports.pieces import Json

VALIDATOR = Draft202012Validator(json.loads(schema()))


def test_the_published_file_is_what_the_code_says() -> None:
    assert FILE.read_text(encoding="utf-8") == schema(), "python -m reports schema >reports/report-1.schema.json"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(schema()))


@pytest.mark.parametrize("sample", [samples.healthy, samples.broken, samples.large])
def test_samples_keep_to_it(sample: Callable[[], Json]) -> None:
    VALIDATOR.validate(sample())


@pytest.mark.parametrize("options", [(), ("--fix",)])
def test_what_a_run_writes_keeps_to_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    VALIDATOR.validate(Project(tmp_path).run(*options).report)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("schema",), 2),
        (("checks", 0, "outcome"), "perhaps"),
        (("checks", 0, "step"), "four"),
        (("nodes", 0, "links", 0, "network"), "other"),
        (("run", "ready"), None),
    ],
)
def test_what_breaks_it_is_refused(where: tuple[Any, ...], value: object) -> None:
    report: Any = samples.healthy()
    part = report
    for name in where[:-1]:
        part = part[name]
    part[where[-1]] = value
    with pytest.raises(ValidationError):
        VALIDATOR.validate(report)


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == schema()
