"""Directories are made by their names, whatever those are, and only what was made goes again."""

from dataclasses import replace
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.facts.base import Reading
from cluster.facts.stack import StackFacts
from cluster.inventory import Inventory, NodeEntry
from cluster.node import Node
from engine.journal import Journal
from fixers.stack import MakeDirectory, make_directories
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


def test_what_root_makes_is_the_users_and_goes_again(here: Node, home: Path, journal: Journal) -> None:
    here._login = replace(here.login, user="nobody")
    applied(MakeDirectory(here, f"{home}/it's/deep", root=True), journal)
    assert [(path.name, path.owner()) for path in home.rglob("*")] == [("it's", "nobody"), ("deep", "nobody")]
    assert home.owner() != "nobody"
    assert undone(here, journal) == [None]
    assert list(home.iterdir()) == []


ASKED = "make the directory {0} on spark-1 and give it to {1}, who may not make it there"


@pytest.mark.parametrize(
    ("named", "writable", "owner", "told"),
    [
        (True, "yes", "1000:1000", "spark-1$ mkdir -p {0}"),
        (True, "no", "0:0", "spark-1$ sudo mkdir {0} && chown {1}: {0}"),
        (True, "no", "1001:1001", ASKED),
        (False, "no", "0:0", ASKED),
    ],
)
def test_root_makes_only_what_the_inventory_names_and_only_in_what_is_its_own(
    tmp_path: Path, named: bool, writable: str, owner: str, told: str
) -> None:
    workspace = str(tmp_path / "work") if named else None
    cluster = Cluster(Inventory(nodes=(NodeEntry(name="spark-1"),), workspace=workspace, local=True))
    cluster.connect()
    node, path = cluster.manager, cluster.workspace
    said = {"directories": f"no {path}\n", "writable": f"{writable} {path}\n", "owners": f"{owner} {path}\n"}
    node.keep(StackFacts(node, {name: Reading(name, 0, out, "") for name, out in said.items()}))
    (change,) = make_directories(node)
    assert change.describe() == told.format(path, node.login.user)
