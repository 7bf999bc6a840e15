"""The copy of the journal on the node: there before the change, enough to take it back, and gone afterwards."""

import json
from pathlib import Path

import pytest

from cluster.errors import ClusterError
from cluster.node import Node
from engine import node_journal
from engine.apply import Applier
from engine.change import WriteFile
from engine.journal import FILE, Journal
from engine.undo import TakenBack, undo_run


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
    told: list[TakenBack] = []
    undo_run(cluster, recovered, told.append)
    node_journal.forget_undone(cluster, recovered)
    assert [one.trouble for one in told] == [None]
    assert (tmp_path / "file").read_text() == "old\n"
    assert not kept.exists()


def test_a_run_that_nobody_knows_is_not_recovered(here: Node, tmp_path: Path, kept: Path) -> None:
    del kept
    assert node_journal.recover(here.cluster, tmp_path, "20260101-000000-fix") is None
    assert node_journal.recover(here.cluster, tmp_path, "../somewhere") is None
