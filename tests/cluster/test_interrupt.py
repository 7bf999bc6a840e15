"""An interrupt while several nodes are changed: it is heard at once, and what was begun stays begun."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import Unreachable
from cluster.node import Node
from engine.apply import Applier
from engine.change import RunCommand
from engine.journal import Journal
from engine.judging import Judging, Repair, Steps, finish_together
from engine.outcome import Verdict
from engine.undo import undo_run
from reports.outcome import Outcome
from tests.cluster.nodes import cluster_over
from tests.sshd import Sshd

PATIENCE_S = 20


@pytest.fixture
def cluster(sshd: Sshd) -> Cluster:
    """Two nodes that a test may lose."""
    connected = cluster_over(sshd, names=("spark-1", "spark-2"))
    connected.connect()
    return connected


def _interrupt_when(*there: Path) -> None:
    def wait_and_interrupt() -> None:
        until = time.monotonic() + PATIENCE_S
        while not all(path.exists() for path in there) and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=wait_and_interrupt, daemon=True).start()


def _slow(node: Node, folder: Path) -> RunCommand:
    undo = f"touch {folder}/undo-{node.name}; sleep 20"
    # Were it to count as failed, what it was to take up would be put back.
    return RunCommand(node, f"touch {folder}/{node.name}; sleep 20", undo, deadline_s=20, takes_up=True)


def _states(journal: Journal) -> list[str]:
    return [record.state for record in journal.records()]


def _is_left_at_once(started: float, cluster: Cluster) -> None:
    assert time.monotonic() - started < 12
    for node in cluster.nodes:
        with pytest.raises(Unreachable, match="had not answered when the run was interrupted"):
            node.read("true")
    cluster.close()


def test_changes_of_several_nodes_are_left_at_once_and_stay_begun(cluster: Cluster, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    applier = Applier(journal, frozenset())
    _interrupt_when(*(tmp_path / node.name for node in cluster.nodes))
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        cluster.on_all(lambda node: applier.apply("subject.fact", 1, _slow(node, tmp_path)), cluster.nodes)
    _is_left_at_once(started, cluster)
    assert _states(journal) == ["begun", "begun"]


def test_repairs_of_several_nodes_are_left_at_once_and_stay_begun(cluster: Cluster, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    applier = Applier(journal, frozenset())

    def steps(node: Node) -> Steps:
        def go_through(_: object) -> bool:
            applier.apply("subject.fact", 1, _slow(node, tmp_path))
            return True

        yield Repair(lambda: iter(()), go_through)
        return Verdict("subject.fact", 1, "It is so", node.name, Outcome.FIXED)

    _interrupt_when(*(tmp_path / node.name for node in cluster.nodes))
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        finish_together("nodes", cluster.nodes, [Judging(steps(node)) for node in cluster.nodes])
    _is_left_at_once(started, cluster)
    assert _states(journal) == ["begun", "begun"]


def test_an_undo_on_several_nodes_is_left_at_once_and_can_be_made_again(cluster: Cluster, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run" / "journal.jsonl")
    for node in cluster.nodes:
        journal.mark(journal.begin("subject.fact", 1, _slow(node, tmp_path)), "done")
    _interrupt_when(*(tmp_path / f"undo-{node.name}" for node in cluster.nodes))
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        undo_run(cluster, journal, lambda _: pytest.fail("nothing was taken back"))
    _is_left_at_once(started, cluster)
    assert _states(journal) == ["done", "done"]
