"""The journal is on disk before anything is touched, and a run that was killed can still be taken back from it."""

import errno
import json
import os
from pathlib import Path

import pytest

from cluster.node import Node
from engine.change import RunCommand, WriteFile
from engine.journal import FILE, Journal, JournalError, find_journal


def _begun(journal: Journal, here: Node, command: str = "true") -> int:
    return journal.begin("subject.fact", 4, RunCommand(here, command, undo_command="true"))


def test_a_change_is_written_down_before_it_is_made(journal: Journal, here: Node, tmp_path: Path) -> None:
    journal.begin("subject.fact", 4, WriteFile(here, str(tmp_path / "file"), b"new"))
    (record,) = journal.records()
    assert (record.number, record.check, record.step, record.node, record.state) == (
        1, "subject.fact", 4, here.name, "begun",
    )  # fmt: skip
    assert record.to_undo
    assert not (tmp_path / "file").exists()


def test_only_its_owner_may_read_it(journal: Journal, here: Node) -> None:
    _begun(journal, here)
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_every_record_and_the_new_file_itself_are_synced_to_disk(
    journal: Journal, here: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    journal.mark(_begun(journal, here), "done")
    assert synced == [FILE, "run", FILE]


def test_a_disk_that_takes_half_a_record_is_told_of_and_keeps_the_records_before(
    journal: Journal, here: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = _begun(journal, here)
    real, room = os.write, [9]

    def write(descriptor: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data[: room.pop()])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(
        JournalError, match=r"journal\.jsonl cannot be written \(No space left on device\), and what is"
    ):
        _begun(journal, here, "echo 2")
    monkeypatch.undo()
    journal.mark(number, "done")
    assert [(record.number, record.state) for record in journal.records()] == [(number, "done")]


def test_the_last_state_of_a_change_counts(journal: Journal, here: Node) -> None:
    first, second, third = (_begun(journal, here, f"echo {number}") for number in (1, 2, 3))
    journal.mark(first, "done")
    journal.mark(second, "failed")
    journal.mark(first, "undone")
    assert [(record.state, record.to_undo) for record in journal.records()] == [
        ("undone", False),
        ("failed", True),
        ("begun", True),
    ]
    assert third == 3


def test_a_change_that_cannot_be_undone_is_not_among_those_to_undo(journal: Journal, here: Node) -> None:
    journal.mark(journal.begin("subject.fact", 4, RunCommand(here, "true")), "done")
    assert [record.to_undo for record in journal.records()] == [False]


@pytest.mark.parametrize("cut", [1, 10, -1])
def test_a_last_line_that_was_cut_off_counts_for_nothing(journal: Journal, here: Node, cut: int) -> None:
    _begun(journal, here)
    whole = journal.path.read_bytes()
    _begun(journal, here)
    second = journal.path.read_bytes()[len(whole) :]
    journal.path.write_bytes(whole + second[:cut])
    assert [record.number for record in Journal(journal.path).records()] == [1]


def test_after_a_line_that_was_cut_off_the_journal_goes_on(journal: Journal, here: Node) -> None:
    _begun(journal, here)
    journal.path.write_bytes(journal.path.read_bytes() + b'{"number": 2, "sta')
    Journal(journal.path).mark(1, "undone")
    assert [record.state for record in Journal(journal.path).records()] == ["undone"]


def test_a_damaged_line_in_the_middle_is_refused_with_its_number(journal: Journal, here: Node) -> None:
    _begun(journal, here)
    _begun(journal, here)
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(lines[0][:20] + b"\n" + lines[1])
    with pytest.raises(JournalError, match=r"journal\.jsonl:1 is damaged: move the file away, and --undo takes"):
        journal.records()


@pytest.mark.parametrize("line", ["[]", "{}", '"text"', '{"number": 1}', '{"number": 1, "undo": []}'])
def test_a_file_that_is_no_journal_is_refused(journal: Journal, line: str) -> None:
    journal.path.parent.mkdir()
    journal.path.write_text(line + "\n")
    with pytest.raises(JournalError, match="is not a journal of ours"):
        journal.records()


def test_a_way_back_that_is_not_known_here_is_refused_before_anything_is_taken_back(
    journal: Journal, here: Node
) -> None:
    _begun(journal, here)
    line = json.loads(journal.path.read_text()) | {"undo": [{"do": "format", "path": "/"}]}
    journal.path.write_text(json.dumps(line) + "\n")
    with pytest.raises(JournalError, match="tells no way back that is known here"):
        journal.records()


def test_a_run_is_found_by_its_id(tmp_path: Path, here: Node) -> None:
    _begun(Journal(tmp_path / "20260101-000000-fix" / FILE), here)
    assert len(find_journal(tmp_path, "20260101-000000-fix").records()) == 1


@pytest.mark.parametrize("run_id", ["20260101-000000-check", "", "..", "a/../20260101-000000-fix", "/etc", "x" * 300])
def test_an_unknown_run_is_answered_with_those_there_are(tmp_path: Path, here: Node, run_id: str) -> None:
    _begun(Journal(tmp_path / "20260101-000000-fix" / FILE), here)
    with pytest.raises(JournalError, match=r"these can be taken back: 20260101-000000-fix\.$"):
        find_journal(tmp_path, run_id)


def test_where_nothing_was_changed_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no run there has changed anything"):
        find_journal(tmp_path, "20260101-000000-fix")


def test_a_line_is_json_with_the_bytes_from_before(journal: Journal, here: Node, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old \xff bytes")
    journal.begin("subject.fact", 4, WriteFile(here, str(tmp_path / "file"), b"new"))
    (line,) = journal.path.read_text().splitlines()
    assert json.loads(line)["undo"][0]["content"] == "b2xkIP8gYnl0ZXM="
