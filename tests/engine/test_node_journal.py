"""The copy of the journal on the node: there before the change, enough to take it back, and gone afterwards."""

import json
from pathlib import Path

import pytest

from cluster.errors import ClusterError
from cluster.node import Node
from engine import node_journal
from engine.apply import Applier
from engine.change import WriteFile
from engine.journal import FILE, Journal, JournalError
from engine.undo import UndoResult, undo_run


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies go instead of the directory of the whole machine."""
    monkeypatch.setattr(node_journal, "DIRECTORY", str(tmp_path / "node" / "journals"))
    return tmp_path / "node" / "journals" / "run.jsonl"


def _applied(here: Node, journal: Journal, path: Path) -> None:
    Applier(journal, frozenset(), node_journal.keep).apply("subject.fact", 2, WriteFile(here, str(path), b"new\n"))


def test_the_copy_is_what_the_journal_says_and_for_root_alone(
    here: Node, journal: Journal, tmp_path: Path, kept: Path
) -> None:
    _applied(here, journal, tmp_path / "file")
    assert json.loads(kept.read_bytes()) == json.loads(journal.begun(1))
    assert kept.stat().st_mode & 0o777 == 0o600


def test_nothing_is_changed_where_the_copy_cannot_be_written(
    here: Node, journal: Journal, tmp_path: Path, kept: Path
) -> None:
    kept.parent.parent.mkdir()
    kept.parent.write_text("a file where the directory should be")
    with pytest.raises(ClusterError):
        _applied(here, journal, tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_a_run_is_taken_back_from_the_copies_alone(here: Node, journal: Journal, tmp_path: Path, kept: Path) -> None:
    (tmp_path / "file").write_text("old\n")
    _applied(here, journal, tmp_path / "file")
    journal.path.unlink()
    cluster = here.cluster
    recovered = node_journal.recover(cluster, tmp_path / "elsewhere", "run")
    assert recovered is not None
    assert recovered.path == tmp_path / "elsewhere" / "run" / FILE
    told: list[UndoResult] = []
    undo_run(cluster, recovered, told.append)
    node_journal.forget_undone(cluster, recovered)
    assert [one.trouble for one in told] == [None]
    assert (tmp_path / "file").read_text() == "old\n"
    assert not kept.exists()


def test_what_a_broken_connection_left_of_a_record_is_dropped(
    here: Node, journal: Journal, tmp_path: Path, kept: Path
) -> None:
    _applied(here, journal, tmp_path / "first")
    with kept.open("ab") as file:
        file.write(b'{"number": 2, "sta')
    _applied(here, journal, tmp_path / "second")
    recovered = node_journal.recover(here.cluster, tmp_path / "elsewhere", "run")
    assert recovered is not None
    assert [record.describe.splitlines()[1].rpartition("/")[2] for record in recovered.records()] == ["first", "second"]


@pytest.mark.parametrize(
    "line",
    [
        '{"number": 1, "node": "another", "undo": [{"do": "run", "command": "true", "root": true}]}',
        '{"number": null, "node": "NODE", "undo": []}',
        '{"number": 1, "node": "NODE", "undo": [{"do": "format", "command": "true", "root": true}]}',
        '{"number": 1, "node": "NODE", "undo": [{"do": "run", "root": true}]}',
        '{"number": 1}',
        "[1]",
        "no json",
        "\ud800",
    ],
)
def test_a_copy_that_is_damaged_or_speaks_of_another_node_is_not_believed(
    here: Node, journal: Journal, tmp_path: Path, kept: Path, line: str
) -> None:
    _applied(here, journal, tmp_path / "file")
    with kept.open("ab") as file:
        file.write(line.replace("NODE", here.name).encode("utf-8", "surrogatepass") + b"\n")
    with pytest.raises(JournalError, match=rf"run\.jsonl on {here.name} is no journal of what was changed there"):
        node_journal.recover(here.cluster, tmp_path / "elsewhere", "run")
    assert not (tmp_path / "elsewhere").exists()


def test_a_node_that_does_not_answer_is_not_taken_for_one_that_was_not_changed(
    here: Node, journal: Journal, tmp_path: Path, kept: Path
) -> None:
    _applied(here, journal, tmp_path / "file")
    kept.rename(kept.with_suffix(".bak"))
    kept.mkdir()
    with pytest.raises(JournalError, match=f"Whether {here.name} keeps a journal of run is not known: .*directory"):
        node_journal.recover(here.cluster, tmp_path / "elsewhere", "run")
    here.trouble = "it is off"
    with pytest.raises(JournalError, match=f"Whether {here.name} keeps a journal of run is not known: it is off"):
        node_journal.recover(here.cluster, tmp_path / "elsewhere", "run")
    assert not (tmp_path / "elsewhere").exists()


def test_a_half_that_a_killed_run_left_is_not_added_to(
    here: Node, journal: Journal, tmp_path: Path, kept: Path
) -> None:
    del kept
    _applied(here, journal, tmp_path / "file")
    (tmp_path / "elsewhere" / "run").mkdir(parents=True)
    (tmp_path / "elsewhere" / "run" / "journal.half").write_text('{"number": 1, "sta')
    recovered = node_journal.recover(here.cluster, tmp_path / "elsewhere", "run")
    assert recovered is not None
    assert [record.number for record in recovered.records()] == [1]


def test_a_run_that_nobody_knows_is_not_recovered(here: Node, tmp_path: Path, kept: Path) -> None:
    del kept
    assert node_journal.recover(here.cluster, tmp_path, "20260101-000000-fix") is None
    assert node_journal.recover(here.cluster, tmp_path, "../somewhere") is None
