"""Each node is asked at its own pace: one that hangs holds up only who needs its answer."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from cluster.cluster import Cluster
from cluster.connection import Said
from cluster.errors import UnknownFact
from cluster.facts.base import Facts, fact
from cluster.facts.daemon import DaemonFacts
from cluster.facts.docker import DockerFacts
from cluster.facts.doors import DoorFacts
from cluster.facts.gpu import GpuFacts
from cluster.facts.machine import MachineFacts
from cluster.facts.mesh import MeshFacts
from cluster.facts.parse import text
from cluster.facts.resources import ResourceFacts
from cluster.facts.ssh import SshFacts
from cluster.facts.toolkit import ToolkitFacts
from cluster.node import Node
from cluster.read_ahead import AHEAD
from tests.cluster.nodes import cluster_over
from tests.sshd import Sshd

ROUNDS = ((MachineFacts,), (ResourceFacts,), (ToolkitFacts,), (GpuFacts,), (DaemonFacts,), (DockerFacts,))
PATIENCE_S = 20


class Asleep(Facts):
    """What takes longer than anybody waits."""

    nap: str = fact("sleep 40", text, timeout_s=60)


class Gate:
    """Lets no command of a node through until it is opened, but for the first few, and counts the others."""

    def __init__(self, node: Node, but: int = 1) -> None:
        """Close it; the first command is that by which we learn who we are there."""
        self.open = threading.Event()
        self.came = -but
        self._run: Callable[..., Said] = node.connection.run
        node.connection.run = self._pass  # type: ignore[method-assign]  # it stands before the connection's own

    def fills(self, number: int) -> bool:
        """Wait until so many stand before it."""
        until = time.monotonic() + PATIENCE_S
        while self.came < number and time.monotonic() < until:
            time.sleep(0.01)
        return self.came == number

    def _pass(self, *words: Any, **options: Any) -> Said:
        self.came += 1
        assert self.came <= 0 or self.open.wait(PATIENCE_S)
        return self._run(*words, **options)


@pytest.fixture
def pair(sshd: Sshd) -> Cluster:
    return cluster_over(sshd, names=("spark-1", "spark-2"))


@pytest.mark.parametrize("answered_before", [0, 1])
def test_a_node_that_does_not_answer_holds_up_no_other(pair: Cluster, answered_before: int) -> None:
    gate = Gate(pair.nodes[1], but=answered_before)
    pair.connect_and_read_ahead(ROUNDS)
    last = pair.manager.facts(DockerFacts)
    assert last.readings
    assert not any(pair.nodes[1].has(kind) for (kind,) in ROUNDS)
    gate.open.set()
    assert pair.nodes[1].trouble is None
    assert pair.nodes[1].machine.hostname


def test_of_a_node_only_a_few_rounds_are_asked_at_a_time(pair: Cluster) -> None:
    gate = Gate(pair.manager)
    pair.connect_and_read_ahead(ROUNDS)
    assert pair.nodes[1].facts(DockerFacts).readings
    assert gate.fills(AHEAD)
    gate.open.set()
    assert pair.manager.facts(DockerFacts).readings


def test_who_needs_what_is_read_ahead_waits_for_it_and_asks_nothing_more(pair: Cluster) -> None:
    gates = [Gate(node) for node in pair.nodes]
    pair.connect_and_read_ahead(ROUNDS)
    for gate in gates:
        threading.Timer(0.2, gate.open.set).start()
    for (kind,) in reversed(ROUNDS):
        assert all(node.facts(kind).readings for node in pair.nodes)
    assert [gate.came for gate in gates] == [len(ROUNDS)] * 2


def test_what_was_not_asked_before_reading_ahead_stopped_is_asked_of_all_when_it_is_needed(pair: Cluster) -> None:
    gate = Gate(pair.manager)
    pair.connect_and_read_ahead(ROUNDS)
    assert gate.fills(AHEAD)
    threading.Timer(0.2, gate.open.set).start()
    pair.stop_reading_ahead()
    assert not pair.manager.has(DockerFacts)
    assert pair.manager.facts(DockerFacts).readings
    assert gate.came == AHEAD + 1
    assert pair.nodes[1].has(DockerFacts)


def test_what_is_not_read_ahead_is_asked_of_all_at_once(pair: Cluster) -> None:
    pair.connect_and_read_ahead(ROUNDS[:1])
    assert pair.manager.facts(ToolkitFacts).readings
    assert pair.nodes[1].has(ToolkitFacts)


def test_who_is_interrupted_waits_no_longer_for_nodes_that_do_not_answer(pair: Cluster) -> None:
    pair.connect_and_read_ahead([(MachineFacts,), (Asleep,)])
    assert pair.manager.machine.hostname
    began = time.monotonic()
    pair.give_up_reading_ahead()
    with pytest.raises(UnknownFact, match="had not answered when the run was interrupted"):
        _ = pair.manager.facts(Asleep).nap
    assert time.monotonic() - began < PATIENCE_S
    assert pair.manager.machine.hostname


def test_over_open_connections_what_rests_on_peers_is_left_and_what_is_needed_first_is_asked_first(
    pair: Cluster,
) -> None:
    pair.connect()
    gates = [Gate(node, but=0) for node in pair.nodes]
    pair.read_ahead([(MachineFacts,), (MeshFacts,), (SshFacts, DoorFacts), (ToolkitFacts,)])
    assert all(gate.fills(1) for gate in gates)
    for gate in gates:
        gate.open.set()
    assert all(node.facts(ToolkitFacts).readings for node in pair.nodes)
    assert [(node.has(MachineFacts), node.has(SshFacts)) for node in pair.nodes] == [(True, True)] * 2
    assert not any(node.has(MeshFacts) or node.has(DoorFacts) for node in pair.nodes)


def test_a_change_waits_for_what_its_own_node_was_asked_and_ends_the_reading_ahead(pair: Cluster) -> None:
    pair.connect()
    gates = [Gate(node, but=0) for node in pair.nodes]
    pair.read_ahead(ROUNDS)
    assert all(gate.fills(1) for gate in gates)
    threading.Timer(0.3, gates[0].open.set).start()
    with pair.manager.changes_allowed():
        assert pair.manager.has(MachineFacts)
        assert not pair.nodes[1].has(MachineFacts)
    assert not pair.manager.has(MachineFacts)
    gates[1].open.set()
    assert pair.nodes[1].machine.hostname
    assert [gate.came for gate in gates] == [1, 1]


def test_who_waits_for_an_answer_that_is_not_asked_for_any_more_asks_himself(pair: Cluster) -> None:
    pair.connect()
    gate = Gate(pair.manager, but=0)
    pair.read_ahead(ROUNDS)
    assert gate.fills(1)
    threading.Timer(0.2, pair.stop_reading_ahead, [pair.nodes[1]]).start()
    threading.Timer(0.4, gate.open.set).start()
    assert pair.manager.facts(DockerFacts).readings
    assert (gate.came, pair.manager.has(GpuFacts)) == (2, False)
