"""One connection a node, and one round trip a node and subject: what makes a run fast at any size."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cluster.cluster import Cluster
from cluster.errors import Unreachable
from engine.ahead import subjects
from tests.cluster.nodes import cluster_over, tell_links
from tests.cluster.sshd import Sshd

NAMES = ("spark-1", "spark-2")
REPO = Path(__file__).parents[2]


class Counted:
    """A node's own connection, counting what goes over it."""

    def __init__(self, connection: Any) -> None:
        """Stand before it."""
        self._connection = connection
        self.opened = self.asked = 0

    def open(self) -> None:
        """Open it."""
        self.opened += 1
        self._connection.open()

    def run(self, *words: Any, **options: Any) -> Any:
        """Run a command: one round trip."""
        self.asked += 1
        return self._connection.run(*words, **options)

    def __getattr__(self, name: str) -> Any:
        """Leave the rest to it."""
        return getattr(self._connection, name)


@pytest.fixture
def counted(sshd: Sshd) -> Cluster:
    cluster = cluster_over(sshd, names=NAMES)
    for node in cluster.nodes:
        node.connection = Counted(node.connection)
    cluster.connect()
    assert cluster.reached == list(cluster.nodes)
    return cluster


def _asked(cluster: Cluster) -> list[int]:
    return [node.connection.asked for node in cluster.nodes if isinstance(node.connection, Counted)]


def test_what_one_node_is_asked_all_are_asked_at_once(counted: Cluster) -> None:
    before = _asked(counted)
    for node in (*counted.nodes, *counted.nodes):
        assert node.read_with_peers("echo here", root=False).out == "here\n"
    assert _asked(counted) == [number + 1 for number in before]
    counted.manager.forget()
    counted.manager.read_with_peers("echo here", root=False)
    assert _asked(counted) == [before[0] + 2, before[1] + 1]


def test_while_changes_may_be_made_a_node_is_asked_alone_and_every_time(counted: Cluster) -> None:
    counted.locked, before = True, _asked(counted)
    for _ in range(3):
        counted.manager.read_with_peers("echo here", root=False)
    assert _asked(counted) == [before[0] + 3, before[1]]


def test_what_a_node_could_not_be_asked_is_told_to_whoever_asks(counted: Cluster) -> None:
    counted.nodes[1].connection.close()
    assert counted.manager.read_with_peers("echo here", root=False).out == "here\n"
    for _ in range(2):
        with pytest.raises(Unreachable):
            counted.nodes[1].read_with_peers("echo here", root=False)


def test_connecting_takes_one_login_and_one_question(counted: Cluster) -> None:
    assert [node.connection.opened for node in counted.nodes if isinstance(node.connection, Counted)] == [1, 1]
    assert _asked(counted) == [1, 1]


def test_a_subject_is_one_round_trip_a_node_and_is_asked_about_once(counted: Cluster) -> None:
    tell_links(counted)
    kinds = [kind for kind in subjects(range(1, 15), whole=True) if not counted.nodes[0].has(kind)]
    assert len(kinds) > 10
    for kind in kinds:
        before = _asked(counted)
        for node in counted.nodes:
            node.facts(kind)
        trips = [after - earlier for after, earlier in zip(_asked(counted), before, strict=True)]
        # One that rests on what is not known here is asked of nobody.
        assert trips in ([1, 1], [0, 0]), kind.__name__
    assert sum(_asked(counted)) >= len(NAMES) * len(kinds) // 2
    before = _asked(counted)
    for kind in kinds:
        counted.gather(kind)
    assert _asked(counted) == before


def test_a_run_that_only_looks_loads_neither_torch_nor_the_docker_sdk() -> None:
    steps = ", ".join(f"runbook.{path.stem}" for path in (REPO / "runbook").glob("test_*.py"))
    code = f"import sys, engine.plugin, {steps}, workloads.launch, reports; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=REPO)
    loaded = set(said.stdout.split())
    assert {"paramiko", "runbook.test_10_train"} <= loaded
    assert not loaded & {"torch", "docker", "testinfra"}
