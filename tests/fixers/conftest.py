"""This machine as a node, with a home of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.inventory import this_machine
from cluster.node import Node
from engine.change import Change
from engine.journal import Journal
from engine.undo import undo_run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the user that we are."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def here(home: Path) -> Iterator[Node]:
    """The only node of a cluster that is connected."""
    cluster = Cluster(this_machine())
    cluster.connect()
    assert cluster.manager.login.home == str(home)
    yield cluster.manager
    cluster.close()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal that has no record yet."""
    return Journal(tmp_path / "run" / "journal.jsonl")


def applied(change: Change, journal: Journal) -> None:
    """Write a change down and make it."""
    journal.begin("subject.fact", 1, change)
    with change.node.changes_allowed():
        change.apply()


def undone(node: Node, journal: Journal) -> list[str | None]:
    """Take all changes back, and return why each still stands."""
    troubles: list[str | None] = []
    undo_run(node.cluster, journal, lambda taken: troubles.append(taken.trouble))
    return troubles
