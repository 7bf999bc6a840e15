"""This machine as the node that is judged and changed: everything in these tests really happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.node import Node
from engine.journal import Journal
from tests.cluster.nodes import this_cluster

# Assertions there stand for those of runbook/, and are told as those are.
pytest.register_assert_rewrite("tests.engine.judging")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """This machine as a cluster of one, connected."""
    connected = this_cluster()
    yield connected
    connected.close()


@pytest.fixture
def here(cluster: Cluster) -> Node:
    """Its only node."""
    return cluster.manager


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal that has no record yet."""
    return Journal(tmp_path / "run" / "journal.jsonl")
