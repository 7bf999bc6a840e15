"""Directories are made by their names, whatever those are, and only what was made goes again."""

from pathlib import Path

import pytest

from cluster.node import Node
from engine.journal import Journal
from fixers.stack import MakeDirectory
from tests.engine.test_files import ODD_NAMES
from tests.fixers.conftest import applied, undone


@pytest.mark.parametrize("name", [name for name in ODD_NAMES if name.isprintable()])  # as the inventory demands
def test_an_odd_name_is_a_name_and_nothing_else(here: Node, home: Path, journal: Journal, name: str) -> None:
    applied(MakeDirectory(here, f"{home}/{name}/deep"), journal)
    assert [path.name for path in home.iterdir()] == [name]
    assert (home / name / "deep").is_dir()
    assert undone(here, journal) == [None]
    assert list(home.iterdir()) == []


def test_an_empty_directory_that_was_there_before_stays(here: Node, home: Path, journal: Journal) -> None:
    (home / "mine").mkdir()
    applied(MakeDirectory(here, f"{home}/mine/a/b"), journal)
    assert undone(here, journal) == [None]
    assert [path.name for path in home.rglob("*")] == ["mine"]


def test_what_lies_in_it_stays(here: Node, home: Path, journal: Journal) -> None:
    applied(MakeDirectory(here, f"{home}/a/b"), journal)
    (home / "a" / "result").write_text("mine")
    assert undone(here, journal) == [None]
    assert [path.name for path in home.rglob("*")] == ["a", "result"]
