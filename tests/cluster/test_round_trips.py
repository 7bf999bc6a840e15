"""One connection a node, and one round trip a node and subject: what makes a run fast at any size."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cluster.cluster import Cluster
from cluster.connection import Said
from cluster.errors import UnknownFact, Unreachable
from cluster.facts.machine import MachineFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.resources import ResourceFacts
from engine.ahead import rounds
from tests.cluster.nodes import cluster_over, tell_links
from tests.sshd import Sshd

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


def test_a_node_that_says_nothing_at_all_is_asked_once_and_holds_nobody_up_again(counted: Cluster) -> None:
    silent, before = counted.nodes[1], _asked(counted)
    silent.connection.run = lambda command, **_: Said(command, None, b"", b"", 60.0)  # type: ignore[method-assign]  # it hangs
    counted.gather(MachineFacts)
    counted.gather(ResourceFacts)
    assert _asked(counted) == [before[0] + 2, before[1]]
    assert counted.manager.machine.hostname
    with pytest.raises(UnknownFact, match="spark-2 takes commands and answers none within"):
        _ = silent.resources.available_gb
    assert silent.trouble is not None
    assert silent not in counted.reached


def test_a_node_that_said_something_before_it_fell_silent_is_asked_again(counted: Cluster) -> None:
    node = counted.nodes[1]
    node.connection.run = lambda command, **_: Said(command, None, b"half", b"", 60.0)  # type: ignore[method-assign]  # it broke off
    counted.gather(MachineFacts)
    assert node.trouble is None
    with pytest.raises(UnknownFact, match="spark-2 gave no answer to it within"):
        _ = node.machine.hostname


def test_connecting_takes_one_login_and_one_question(counted: Cluster) -> None:
    assert [node.connection.opened for node in counted.nodes if isinstance(node.connection, Counted)] == [1, 1]
    assert _asked(counted) == [1, 1]


def test_a_round_is_one_round_trip_a_node_and_is_asked_once(counted: Cluster) -> None:
    tell_links(counted)
    todo = [round_ for round_ in rounds(range(1, 15), whole=True) if round_ != (NetworkFacts,)]
    assert len(todo) > 8
    for kinds in todo:
        before = _asked(counted)
        counted.gather(*kinds)
        trips = [after - earlier for after, earlier in zip(_asked(counted), before, strict=True)]
        # One that rests on what is not known here is asked of nobody.
        assert trips in ([1, 1], [0, 0]), kinds
    assert sum(_asked(counted)) >= len(NAMES) * len(todo) // 2
    before = _asked(counted)
    for kinds in todo:
        for node in counted.nodes:
            assert all(node.facts(kind) for kind in kinds)
    assert _asked(counted) == before


def test_most_steps_are_one_round() -> None:
    assert [len(list(rounds([step], whole=False))) for step in (2, 3, 4, 5, 6, 9)] == [1] * 6


def test_no_subject_is_in_two_rounds() -> None:
    asked = Counter(kind for kinds in rounds(range(1, 15), whole=True) for kind in kinds)
    assert set(asked.values()) == {1}


def test_a_single_subject_is_one_round_trip_and_what_its_round_has_told_is_not_asked_again(counted: Cluster) -> None:
    before = _asked(counted)
    counted.gather(MachineFacts)
    counted.gather(MachineFacts, ResourceFacts)
    counted.gather(ResourceFacts)
    assert _asked(counted) == [number + 2 for number in before]
    said = counted.manager.facts(ResourceFacts)
    assert {probe.name for probe in ResourceFacts.probes(counted.manager)} == set(said.readings)


def test_subjects_of_one_round_trip_keep_their_own_answers(counted: Cluster) -> None:
    counted.gather(MachineFacts, ResourceFacts)
    together = [counted.manager.facts(kind).readings for kind in (MachineFacts, ResourceFacts)]
    counted.manager.forget()
    alone = [counted.manager.facts(kind).readings for kind in (MachineFacts, ResourceFacts)]
    assert [[(one.command, one.exit) for one in each.values()] for each in together] == [
        [(one.command, one.exit) for one in each.values()] for each in alone
    ]
    assert together[0]["hostname"].out == alone[0]["hostname"].out != ""


def test_a_run_that_only_looks_loads_neither_torch_nor_the_docker_sdk_nor_invoke() -> None:
    steps = ", ".join(f"runbook.{path.stem}" for path in (REPO / "runbook").glob("test_*.py"))
    code = f"import sys, engine.plugin, {steps}, workloads.launch, reports; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=REPO)
    loaded = set(said.stdout.split())
    assert {"paramiko", "runbook.test_10_train"} <= loaded
    assert not loaded & {"torch", "docker", "testinfra", "invoke"}


def test_who_needs_invoke_beside_us_finds_it() -> None:
    code = "import cluster, invoke; print(invoke.run.__name__)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=REPO)
    assert said.stdout == "run\n"
