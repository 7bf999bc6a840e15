"""A change is asked for where it interrupts, written down, made, and put back where it does not hold."""

from pathlib import Path

import pytest

from cluster.errors import CommandFailed
from cluster.node import Node
from engine.apply import Applier, what_is_asked
from engine.change import Consent, Instruction, RunCommand, WriteFile
from engine.journal import Journal, JournalError

FIX = "pytest runbook --fix"
CONSENT = Consent("restart-docker", "two containers end")


def test_a_change_that_interrupts_is_refused_with_the_option_that_allows_it(here: Node, journal: Journal) -> None:
    change = RunCommand(here, "true", consent=CONSENT)
    assert Applier(journal, frozenset({"leave-swarm"})).refuses(change)
    assert (
        what_is_asked([change], FIX)
        == "rerun with `pytest runbook --fix --allow restart-docker` if it is all right that two containers end"
    )


def test_a_change_that_was_allowed_or_interrupts_nothing_is_not_refused(here: Node, journal: Journal) -> None:
    assert not Applier(journal, frozenset({"restart-docker"})).refuses(RunCommand(here, "true", consent=CONSENT))
    assert not Applier(journal, frozenset()).refuses(RunCommand(here, "true"))


def test_all_that_is_refused_is_asked_together(here: Node) -> None:
    def deletes(path: str) -> RunCommand:
        return RunCommand(here, "true", consent=Consent("remove-models", f"{path} is deleted"))

    asked = what_is_asked([Instruction(here, "plug it in"), deletes("a"), deletes("b"), deletes("a")], FIX)
    assert asked == (
        "plug it in; rerun with `pytest runbook --fix --allow remove-models` if it is all right that a is deleted, and "
        "that b is deleted"
    )


def test_an_instruction_is_always_refused(here: Node, journal: Journal) -> None:
    change = Instruction(here, "plug the cable in")
    assert Applier(journal, frozenset({"restart-docker"})).refuses(change)
    assert what_is_asked([change], FIX) == "plug the cable in"


def test_a_change_is_in_the_journal_when_it_is_made(here: Node, journal: Journal, tmp_path: Path) -> None:
    Applier(journal, frozenset()).apply("subject.fact", 4, RunCommand(here, f"cp {journal.path} {tmp_path}/seen"))
    assert [record.state for record in Journal(tmp_path / "seen").records()] == ["begun"]
    assert [record.state for record in journal.records()] == ["done"]


def test_a_change_that_fails_is_marked_and_told(here: Node, journal: Journal) -> None:
    with pytest.raises(CommandFailed, match="failed with exit 1"):
        Applier(journal, frozenset()).apply("subject.fact", 4, RunCommand(here, "false", undo_command="true"))
    assert [(record.state, record.to_undo) for record in journal.records()] == [("failed", True)]


def test_a_run_killed_in_the_middle_of_a_change_leaves_it_as_begun(here: Node, journal: Journal) -> None:
    class Killed(RunCommand):
        def apply(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Applier(journal, frozenset()).apply("subject.fact", 4, Killed(here, "true", undo_command="true"))
    assert [(record.state, record.to_undo) for record in journal.records()] == [("begun", True)]


def test_what_a_restart_does_not_survive_is_put_back_and_taken_up(here: Node, journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old a")
    restart = f"test \"$(cat {tmp_path}/a)\" = 'old a'"
    applier = Applier(journal, frozenset())
    applier.apply("subject.one", 4, WriteFile(here, str(tmp_path / "a"), b"new a", taken_up_by=restart))
    applier.apply("subject.two", 4, WriteFile(here, str(tmp_path / "b"), b"new b", taken_up_by=restart))
    applier.apply("subject.three", 4, WriteFile(here, str(tmp_path / "c"), b"new c"))
    with pytest.raises(CommandFailed, match=r"failed with exit 1.* The old state was put back and works\.$"):
        applier.apply("subject.four", 4, RunCommand(here, restart, takes_up=True))
    assert (tmp_path / "a").read_text() == "old a"
    assert not (tmp_path / "b").exists()
    assert (tmp_path / "c").read_text() == "new c"
    assert [record.state for record in journal.records()] == ["undone", "undone", "done", "failed"]


def test_when_even_the_old_state_does_not_work_that_is_said(here: Node, journal: Journal, tmp_path: Path) -> None:
    applier = Applier(journal, frozenset())
    applier.apply("subject.one", 4, WriteFile(here, str(tmp_path / "a"), b"new", taken_up_by="false"))
    with pytest.raises(CommandFailed, match="Putting the old state back failed, too"):
        applier.apply("subject.two", 4, RunCommand(here, "false", takes_up=True))
    assert not (tmp_path / "a").exists()


def test_what_was_announced_and_never_made_is_not_taken_back(here: Node, journal: Journal, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise CommandFailed("no space left on the node")

    change = RunCommand(here, f"touch {tmp_path}/made", undo_command=f"rm {tmp_path}/made")
    with pytest.raises(CommandFailed, match="no space left on the node"):
        Applier(journal, frozenset(), full).apply("subject.fact", 4, change)
    assert not (tmp_path / "made").exists()
    assert [record.to_undo for record in journal.records()] == [False]


def test_a_journal_that_is_full_keeps_nothing_from_being_put_back(
    here: Node, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("old")
    works = f'test "$(cat {tmp_path}/a)" = old'
    applier = Applier(journal, frozenset())
    applier.apply("subject.one", 4, WriteFile(here, str(tmp_path / "a"), b"new", taken_up_by=works))

    def full(*_: object) -> None:
        raise JournalError("the disk is full")

    monkeypatch.setattr(journal, "mark", full)
    with pytest.raises(CommandFailed, match=r"The old state was put back and works\. the disk is full$"):
        applier.apply("subject.two", 4, RunCommand(here, works, takes_up=True))
    assert (tmp_path / "a").read_text() == "old"
