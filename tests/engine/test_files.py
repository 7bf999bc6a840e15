"""Files on a node are replaced whole or not at all, and keep what makes them what they are."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.connection import Input, Said, pieces
from cluster.errors import CommandFailed
from cluster.local import LocalConnection
from cluster.node import Node
from engine.files import FileState, read_file, remove_file, write_file

ODD_NAMES = [
    "it's",
    'a "b"',
    "a b  c",
    "$(touch made)",
    "`touch made`",
    "-rf",
    "a;rm b",
    "{brace}",
    "new\nline",
    "ü%s\\n",
]


def _write(node: Node, path: Path, content: bytes, mode: str | None = None, owner: str | None = None) -> None:
    with node.changes_allowed():
        known = read_file(node, str(path), root=True)
        write_file(node, str(path), content, known, mode=mode, owner=owner, root=True)


def _remove(node: Node, path: Path, made: list[str]) -> None:
    with node.changes_allowed():
        remove_file(node, str(path), read_file(node, str(path), root=True), made, root=True)


@pytest.mark.parametrize("content", [b"", b"no newline", b"text\n", bytes(range(256)) * 5000])
def test_what_is_written_is_read_again(here: Node, tmp_path: Path, content: bytes) -> None:
    _write(here, tmp_path / "file", content, mode="640")
    state = read_file(here, str(tmp_path / "file"), root=True)
    assert (state.content, state.mode) == (content, "640")
    assert state.owner == f"{os.geteuid()}:{os.getegid()}"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_names_and_nothing_else(here: Node, tmp_path: Path, name: str) -> None:
    path = tmp_path / "folder" / name
    _write(here, path, b"content")
    assert path.read_bytes() == b"content"
    assert read_file(here, str(path), root=True).content == b"content"
    _remove(here, path, [str(path.parent)])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_tells_which_directories_are_missing(here: Node, tmp_path: Path) -> None:
    state = read_file(here, str(tmp_path / "a" / "b" / "file"), root=True)
    assert state.content is None
    assert state.sha256 is None
    assert state.missing_directories == [str(tmp_path / "a" / "b"), str(tmp_path / "a")]


def test_a_directory_is_no_file(here: Node, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="is no file"):
        read_file(here, str(tmp_path), root=True)


def test_mode_and_owner_are_as_asked(here: Node, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a file away takes root")
    _write(here, tmp_path / "file", b"x", mode="400", owner="12345:54321")
    state = read_file(here, str(tmp_path / "file"), root=True)
    assert (state.mode, state.owner) == ("400", "12345:54321")


def test_a_link_keeps_pointing_and_the_file_it_leads_to_is_replaced(here: Node, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    _write(here, tmp_path / "link", b"new")
    assert (tmp_path / "link").readlink() == Path("real")
    assert (tmp_path / "real").read_bytes() == b"new"


def test_removing_through_a_link_removes_what_it_leads_to(here: Node, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    _write(here, tmp_path / "link", b"new")
    _remove(here, tmp_path / "link", [])
    assert (tmp_path / "link").is_symlink()
    assert not (tmp_path / "real").exists()


def test_made_directories_are_removed_only_where_they_are_empty(here: Node, tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    made = read_file(here, str(path), root=True).missing_directories
    _write(here, path, b"x")
    (tmp_path / "a" / "mine").write_text("somebody else's")
    _remove(here, path, made)
    assert [one.name for one in (tmp_path / "a").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("read", "found"), [(None, b"made meanwhile"), (b"as it was read", None), (b"as it was read", b"edited meanwhile")]
)
def test_what_somebody_else_did_meanwhile_stays(
    here: Node, tmp_path: Path, read: bytes | None, found: bytes | None
) -> None:
    file = tmp_path / "file"
    known = FileState(read)
    if found is not None:
        file.write_bytes(found)
    with here.changes_allowed():
        with pytest.raises(CommandFailed, match="file was edited meanwhile, so it stays as it is: run again"):
            write_file(here, str(file), b"ours", known, mode=None, owner=None, root=True)
        with pytest.raises(CommandFailed, match="file was edited meanwhile, so it stays as it is: run again"):
            remove_file(here, str(file), known, [], root=True)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == ({} if found is None else {"file": found})


class _BreaksOff(LocalConnection):
    """A connection that loses the end of what it is given."""

    def run(
        self, command: str, *, stdin: Input, deadline_s: float, on_line: Callable[[str], None] | None = None
    ) -> Said:
        return super().run(command, stdin=b"".join(pieces(stdin))[:-1], deadline_s=deadline_s, on_line=on_line)


def test_half_a_file_never_replaces_a_whole_one(here: Node, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    here.connection = _BreaksOff()
    with pytest.raises(CommandFailed, match="the file did not arrive whole"):
        _write(here, tmp_path / "file", b"new content")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_new_files_below_dot_ssh_lie_in_a_private_directory(here: Node, tmp_path: Path) -> None:
    _write(here, tmp_path / ".ssh" / "known_hosts", b"x")
    assert (tmp_path / ".ssh").stat().st_mode & 0o777 == 0o700


def test_while_planning_a_file_reads_as_planned(here: Node, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    here.planned[str(tmp_path / "file")] = b"planned"
    assert read_file(here, str(tmp_path / "file"), root=True).content == b"planned"
