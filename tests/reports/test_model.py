"""A report file is read whole, or refused in one sentence."""

import json
from pathlib import Path

import pytest

from reports.load import ReportError, load
from reports.model import Report
from reports.outcome import Outcome
from tests.reports.pieces import Json, a_check, a_report
from tests.reports.samples import broken, healthy


def read(folder: Path, content: Json | str | bytes) -> Report:
    path = folder / "report.json"
    text = json.dumps(content) if isinstance(content, dict) else content
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(path)


def test_the_samples_have_every_outcome(tmp_path: Path) -> None:
    assert {check.outcome for check in read(tmp_path, broken()).checks} == set(Outcome)


def test_keys_that_other_tools_add_are_let_pass(tmp_path: Path) -> None:
    report = healthy() | {"site": "Lab 3"}
    report["checks"][0]["ticket"] = 17
    assert read(tmp_path, report) == read(tmp_path, healthy())


def test_a_file_with_only_what_schema_1_promises_is_read(tmp_path: Path) -> None:
    report = healthy()
    for extension in ("steps", "training", "undo"):
        del report[extension]
    for extension in ("cluster", "command", "interrupted", "version"):
        del report["run"][extension]
    assert read(tmp_path, report).run.interrupted is False


def test_a_loss_that_is_no_number_is_not_known(tmp_path: Path) -> None:
    report = healthy()
    report["training"]["steps"][3]["loss"] = float("nan")
    training = read(tmp_path, report).training
    assert training is not None
    assert training.steps[3].loss is None


@pytest.mark.parametrize("field", ["address", "role", "rank", "os", "kernel", "docker", "gpus"])
def test_any_fact_of_a_node_may_be_unknown(tmp_path: Path, field: str) -> None:
    report = healthy()
    report["nodes"][0][field] = None
    assert getattr(read(tmp_path, report).nodes[0], field) is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (json.dumps(healthy())[:500], "not whole JSON"),
        ("", "not whole JSON"),
        (b"\xff\xfe{}", "not whole JSON"),
        ("[" * 200_000, "not whole JSON"),
        ("[]", "not a report of schema 1"),
        (healthy() | {"schema": 2}, "not a report of schema 1 (schema found: 2)"),
        (a_report([a_check("a.b", 1, None, "perhaps")]), "checks.0.outcome: Input should be"),
        ({"schema": 1}, "run: Field required"),
    ],
)
def test_an_unreadable_file_is_one_sentence(tmp_path: Path, content: Json | str | bytes, sentence: str) -> None:
    with pytest.raises(ReportError) as caught:
        read(tmp_path, content)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "report.json"))
    assert sentence in message
    assert "\n" not in message


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"cannot be read \(No such file or directory\)"):
        load(tmp_path / "report.json")
