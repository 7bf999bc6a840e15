"""Every kind of change says what it will do, does that, and is taken back from the journal alone."""

import os
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import CommandFailed
from cluster.node import Node
from engine.apply import Applier
from engine.change import Call, Change, Consent, Instruction, RunCommand, WriteFile
from engine.files import read_file
from engine.journal import Journal
from engine.place_files import PlaceFiles
from engine.rights import SetRights
from engine.undo import UndoResult, undo_run


def _apply(journal: Journal, change: Change) -> None:
    Applier(journal, frozenset()).apply("subject.fact", 4, change)


def _undo(cluster: Cluster, journal: Journal) -> list[str | None]:
    """Take everything back from what lies on disk and return the troubles."""
    told: list[UndoResult] = []
    undo_run(cluster, Journal(journal.path), told.append)
    return [taken.trouble for taken in told]


def _tree(folder: Path) -> dict[str, tuple[bytes | None, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes() if path.is_file() else None, path.stat().st_mode)
        for path in folder.rglob("*")
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "node").mkdir()
    return tmp_path / "node"


def test_a_file_is_described_as_a_diff(here: Node, folder: Path) -> None:
    (folder / "file").write_text("one\ntwo\n")
    described = WriteFile(here, str(folder / "file"), b"one\n2\n").describe()
    assert described.splitlines()[:2] == [f"--- {here.name}:{folder}/file", f"+++ {here.name}:{folder}/file"]
    assert {"-two", "+2"} <= set(described.splitlines())


def test_a_file_that_the_content_was_made_from_is_not_read_again(here: Node, folder: Path) -> None:
    file = folder / "file"
    file.write_text("one\n")
    change = WriteFile(here, str(file), b"two\n", made_from=read_file(here, str(file), root=True))
    file.unlink()
    assert {"-one", "+two"} <= set(change.describe().splitlines())


def test_a_new_file_is_described_as_all_new(here: Node, folder: Path) -> None:
    described = WriteFile(here, str(folder / "file"), b"one\n").describe()
    assert described.splitlines()[0] == f"--- {here.name}:/dev/null"
    assert described.splitlines()[-1] == "+one"


def test_describing_changes_nothing(here: Node, folder: Path) -> None:
    for change in (
        WriteFile(here, str(folder / "file"), b"x"),
        RunCommand(here, f"touch {folder}/made"),
        PlaceFiles(here, str(folder / "deep"), {"a": b"x"}),
    ):
        assert change.describe()
    assert _tree(folder) == {}


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_a_replaced_file_gets_its_bytes_and_mode_back(
    cluster: Cluster, here: Node, journal: Journal, folder: Path, mode: int
) -> None:
    (folder / "file").write_bytes(b"old \xff\x00 bytes")
    (folder / "file").chmod(mode)
    before = _tree(folder)
    _apply(journal, WriteFile(here, str(folder / "file"), b"new"))
    assert (folder / "file").read_bytes() == b"new"
    assert (folder / "file").stat().st_mode & 0o777 == mode
    assert _undo(cluster, journal) == [None]
    assert _tree(folder) == before


def test_a_new_file_goes_and_with_it_the_directories_made_for_it(
    cluster: Cluster, here: Node, journal: Journal, folder: Path
) -> None:
    _apply(journal, WriteFile(here, str(folder / "a" / "b" / "file"), b"new", mode=0o600))
    assert (folder / "a" / "b" / "file").stat().st_mode & 0o777 == 0o600
    assert _undo(cluster, journal) == [None]
    assert _tree(folder) == {}


def test_a_changed_mode_alone_is_taken_back_too(cluster: Cluster, here: Node, journal: Journal, folder: Path) -> None:
    (folder / "file").write_bytes(b"same")
    (folder / "file").chmod(0o644)
    change = WriteFile(here, str(folder / "file"), b"same", mode=0o600)
    assert "644 -> 600" in change.describe()
    _apply(journal, change)
    assert (folder / "file").stat().st_mode & 0o777 == 0o600
    assert _undo(cluster, journal) == [None]
    assert (folder / "file").stat().st_mode & 0o777 == 0o644


def test_a_file_written_twice_ends_as_it_was_before_the_first(
    cluster: Cluster, here: Node, journal: Journal, folder: Path
) -> None:
    (folder / "file").write_bytes(b"zero")
    _apply(journal, WriteFile(here, str(folder / "file"), b"one"))
    _apply(journal, WriteFile(here, str(folder / "file"), b"two"))
    assert _undo(cluster, journal) == [None, None]
    assert (folder / "file").read_bytes() == b"zero"


def test_a_file_that_somebody_edited_since_stays_and_says_so(
    cluster: Cluster, here: Node, journal: Journal, folder: Path
) -> None:
    (folder / "file").write_bytes(b"old")
    _apply(journal, WriteFile(here, str(folder / "file"), b"new"))
    (folder / "file").write_bytes(b"edited by hand")
    (trouble,) = _undo(cluster, journal)
    assert str(trouble).startswith(f"{folder}/file on {here.name} was edited since, so it stays as it is")
    assert (folder / "file").read_bytes() == b"edited by hand"


def test_a_file_that_somebody_removed_since_stays_removed_and_says_so(
    cluster: Cluster, here: Node, journal: Journal, folder: Path
) -> None:
    (folder / "file").write_bytes(b"old")
    _apply(journal, WriteFile(here, str(folder / "file"), b"new"))
    (folder / "file").unlink()
    assert "was edited since" in str(_undo(cluster, journal))
    assert _tree(folder) == {}


def test_what_was_begun_and_never_made_is_nothing_to_take_back(
    cluster: Cluster, here: Node, journal: Journal, folder: Path
) -> None:
    (folder / "old").write_bytes(b"old")
    before = _tree(folder)
    for change in (
        WriteFile(here, str(folder / "old"), b"new", mode=0o600),
        WriteFile(here, str(folder / "a" / "new"), b"new"),
        PlaceFiles(here, str(folder / "placed"), {"data/x": b"x"}),
        RunCommand(here, f"touch {folder}/made", undo_command=f"rm -f {folder}/made"),
    ):
        journal.begin("subject.fact", 4, change)
    assert _undo(cluster, journal) == [None] * 4
    assert _tree(folder) == before


def test_a_command_is_taken_back_by_its_own(cluster: Cluster, here: Node, journal: Journal, folder: Path) -> None:
    change = RunCommand(here, f"touch {folder}/made", undo_command=f"rm -f {folder}/made")
    assert change.describe() == f"{here.name}$ sudo touch {folder}/made"
    _apply(journal, change)
    assert list(_tree(folder)) == ["made"]
    assert _undo(cluster, journal) == [None]
    assert _tree(folder) == {}


def test_rights_are_given_back_to_a_file_that_the_run_itself_has_written_since(
    cluster: Cluster, here: Node, journal: Journal, folder: Path
) -> None:
    file = folder / "it's mine"
    file.write_text("old")
    file.chmod(0o644)
    before = _tree(folder)
    _apply(journal, SetRights(here, "chmod", str(file), "600", before="644", after="600"))
    _apply(journal, WriteFile(here, str(file), b"new"))
    assert _tree(folder)[file.name] == (b"new", 0o100600)
    assert _undo(cluster, journal) == [None, None]
    assert _tree(folder) == before


def test_a_directory_that_somebody_made_anew_keeps_its_owner(
    cluster: Cluster, here: Node, journal: Journal, folder: Path
) -> None:
    owner = f"{os.geteuid()}:{os.getegid()}"
    _apply(journal, SetRights(here, "chown", str(folder), owner, before="1:1", after="$(id -u):$(id -g)"))
    folder.rename(folder.with_name("kept"))
    folder.mkdir()
    assert _undo(cluster, journal) == [None]
    assert f"{folder.stat().st_uid}:{folder.stat().st_gid}" == owner


def test_a_call_shows_the_command_it_stands_for(cluster: Cluster, here: Node, journal: Journal, folder: Path) -> None:
    change = Call(here, "make it", (folder / "made").touch, undo_command=f"rm -f {folder}/made")
    assert change.describe() == f"{here.name}$ make it"
    _apply(journal, change)
    assert list(_tree(folder)) == ["made"]
    assert _undo(cluster, journal) == [None]
    assert _tree(folder) == {}


def test_an_instruction_is_only_told(here: Node) -> None:
    change = Instruction(here, "plug the cable in")
    assert (change.describe(), change.risk, change.undo()) == ("plug the cable in", "human", [])
    with pytest.raises(NotImplementedError):
        change.apply()


def test_a_change_that_interrupts_is_told_as_disruptive(here: Node) -> None:
    assert RunCommand(here, "true", consent=Consent("leave-swarm", "y")).risk == "disruptive"
    assert RunCommand(here, "true").risk == "safe"


FILES = {"finetune/a.py": b"a = 1\n", "data/empty.json": b"", "it's $(odd).txt": bytes(range(256)) * 100}


def test_a_file_that_somebody_put_there_meanwhile_stays(here: Node, journal: Journal, folder: Path) -> None:
    name = next(iter(FILES))
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    before = _tree(folder)
    with pytest.raises(CommandFailed, match=f"{name} was put there meanwhile, so it stays: run again"):
        _apply(journal, PlaceFiles(here, str(folder), FILES))
    assert _tree(folder) == before


def test_many_files_are_placed_at_once_and_taken_back(
    cluster: Cluster, here: Node, journal: Journal, folder: Path
) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "mine").write_text("mine")
    (folder / "empty").mkdir()
    before = _tree(folder)
    change = PlaceFiles(here, str(folder), FILES)
    assert all(name in change.describe() for name in FILES)
    _apply(journal, change)
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert _undo(cluster, journal) == [None]
    assert _tree(folder) == before


def test_of_many_files_all_stay_when_one_was_edited(
    cluster: Cluster, here: Node, journal: Journal, folder: Path
) -> None:
    _apply(journal, PlaceFiles(here, str(folder), FILES))
    (folder / "data/empty.json").write_text("edited")
    (trouble,) = _undo(cluster, journal)
    assert "data/empty.json was edited since, so all stay" in str(trouble)
    assert (folder / "finetune/a.py").exists()


def test_files_that_are_partly_gone_are_taken_back_as_far_as_they_are_there(
    cluster: Cluster, here: Node, journal: Journal, folder: Path
) -> None:
    _apply(journal, PlaceFiles(here, str(folder), FILES))
    (folder / "finetune/a.py").unlink()
    assert _undo(cluster, journal) == [None]
    assert _tree(folder) == {}
