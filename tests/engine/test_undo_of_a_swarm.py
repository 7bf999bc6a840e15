"""A swarm that others use does not end with the run that began it, unless somebody says so."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.facts.service import Service
from cluster.facts.stack import DIGEST_LABEL
from cluster.facts.swarm import SwarmNode
from cluster.inventory import Inventory, NodeEntry
from cluster.node import Node
from engine import undo_asks
from engine.apply import Applier
from engine.change import RunCommand
from engine.journal import Journal
from engine.network_change import APPLY_NETPLAN
from engine.undo import UndoResult, undo_run
from tests.runbook.swarm_answers import member

DOCKER = """#!/bin/sh
case "$1 $2" in
  "secret ls") test ! -e "$FOLDER/no-leader" || { echo "no leader" >&2; exit 1; }; cat "$FOLDER/secret" ;;
  "config ls") cat "$FOLDER/config" ;;
esac
"""


@dataclass
class World:
    """Two nodes in a swarm that one run has begun; leaving it is a file on a node's name."""

    folder: Path
    cluster: Cluster
    journal: Journal
    members: list[dict[str, Any]]
    services: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    tasks: dict[str, list[str]] = field(default_factory=dict)
    troubles: list[UnknownFact] = field(default_factory=list)
    """Each is the answer of a manager to one question about its swarm."""

    def left(self, node: str) -> bool:
        """Whether a node has left."""
        return (self.folder / node).exists()

    def docker(self, node: Node) -> SimpleNamespace:
        """What a node's docker tells."""
        swarm = SimpleNamespace(
            node_id="" if self.left(node.name) else f"id-{node.name}",
            is_manager=not self.left(node.name) and node.rank == 0,
            state="inactive" if self.left(node.name) else "active",
            address=f"192.168.100.{node.rank + 1}",
        )
        running = [SimpleNamespace(name=name, is_task=True) for name in self.tasks.get(node.name, [])]
        return SimpleNamespace(active="active", engine=SimpleNamespace(swarm=swarm), running=running)

    def swarm(self, _: Node) -> SimpleNamespace:
        """What its manager tells."""
        if self.troubles:
            raise self.troubles.pop()
        members = tuple(SwarmNode.model_validate(one) for one in self.members)
        services = tuple(
            Service.model_validate({"Spec": {"Name": name, "Labels": of_it}}) for name, of_it in self.services
        )
        return SimpleNamespace(
            members=members, services=services, member=lambda own: next(one for one in members if one.id == own)
        )

    def begin(self, *, stands: str = "") -> None:
        """Begin the swarm and join it."""
        for check, node in zip(("swarm.initialised", "swarm.joined"), self.cluster.nodes, strict=True):
            leave = f"touch {self.folder}/{node.name}"
            change = RunCommand(node, "true", undo_command=leave, undo_asks="leave-swarm", undo_stands=stands)
            Applier(self.journal, frozenset()).apply(check, 5, change)

    def undo(self, *allowed: str) -> dict[str, str | None]:
        """Take it back; returns by node why it is still in the swarm."""
        told: list[UndoResult] = []
        undo_run(self.cluster, Journal(self.journal.path), told.append, frozenset(allowed))
        assert all(self.left(one.record.node) == (one.trouble is None) for one in told)
        return {one.record.node: one.trouble for one in told}


@pytest.fixture
def world(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch, stand_in: Callable[[str, str], None]
) -> Iterator[World]:
    """A manager and a worker in a swarm of which others have nothing."""
    stand_in("docker", DOCKER)
    for kind in ("secret", "config"):
        (tmp_path / kind).touch()
    monkeypatch.setattr(undo_asks, "ENDING_PATIENCE_S", 0.6)
    cluster = Cluster(Inventory(nodes=(NodeEntry(name="spark-1"), NodeEntry(name="spark-2")), local=True))
    cluster.connect()
    members = [member("id-spark-1", "host-1", role="manager"), member("id-spark-2", "host-2")]
    found = World(tmp_path, cluster, journal, members)
    monkeypatch.setattr(Node, "docker", property(found.docker))
    monkeypatch.setattr(Node, "swarm", property(found.swarm))
    monkeypatch.setattr(Node, "machine", property(lambda node: SimpleNamespace(hostname=f"host-{node.rank + 1}")))
    monkeypatch.setattr(Node, "container", SimpleNamespace(ours=()))
    found.begin()
    yield found
    cluster.close()


def _asked(world: World, what: str) -> str:
    command = f"pytest runbook --undo {world.journal.path.parent.name} --allow leave-swarm"
    return f"it {what}: when that is all right, rerun with `{command}`"


def test_of_a_swarm_that_nobody_else_uses_nobody_is_asked(world: World) -> None:
    # The manager still takes the one that has just left for ready.
    assert world.undo() == {"spark-2": None, "spark-1": None}


def test_it_does_not_end_while_a_node_had_to_stay_in_it(world: World) -> None:
    world.tasks = {"spark-2": ["theirs.1"]}
    assert world.undo() == {
        "spark-2": _asked(world, "would interrupt theirs.1 on spark-2"),
        "spark-1": _asked(world, "would end the swarm that spark-1 manages, with its member spark-2"),
    }


def test_it_does_not_end_while_a_node_that_left_it_is_not_known_to_have(world: World) -> None:
    world.cluster["spark-2"].trouble = "spark-2 is off"
    world.members[1]["Status"]["State"] = "down"
    assert world.undo() == {
        "spark-2": "spark-2 is off",
        "spark-1": _asked(world, "would end the swarm that spark-1 manages, with its member spark-2"),
    }


def test_all_that_others_have_in_it_is_told(world: World) -> None:
    world.members += [member("id-9", "spark-9"), member("id-8", "spark-8"), member("id-7", "gone", state="down")]
    world.services = [("theirs", {}), ("finetuning-multinode_finetune", {DIGEST_LABEL: "abc"})]
    (world.folder / "secret").write_text("secret password-of-theirs\n")
    (world.folder / "config").write_text("config a\nconfig b\n")
    assert world.undo()["spark-1"] == _asked(
        world,
        "would end the swarm that spark-1 manages, with its members spark-9 and spark-8 and its service theirs "
        "and its secret password-of-theirs and its configs a and b",
    )


@pytest.mark.parametrize("kind", ["secret", "config"])
def test_a_secret_or_a_config_alone_keeps_it(world: World, kind: str) -> None:
    (world.folder / kind).write_text(f"{kind} x\n")
    assert world.undo()["spark-1"] == _asked(world, f"would end the swarm that spark-1 manages, with its {kind} x")


def test_it_ends_when_that_is_allowed(world: World) -> None:
    world.services = [("theirs", {})]
    world.tasks = {"spark-2": ["theirs.1"]}
    assert world.undo("leave-swarm") == {"spark-2": None, "spark-1": None}


def test_in_the_swarm_of_somebody_else_nothing_is_taken_back_and_nobody_asked(world: World, tmp_path: Path) -> None:
    world.journal = Journal(tmp_path / "other" / "journal.jsonl")
    world.begin(stands="false")
    world.services = [("theirs", {})]
    world.tasks = {"spark-2": ["theirs.1"]}
    assert world.undo() == {"spark-2": None, "spark-1": None}


def test_other_managers_may_keep_it(world: World) -> None:
    world.members.append(member("id-9", "spark-9", role="manager"))
    assert world.undo()["spark-1"] == _asked(world, "may end the swarm that spark-1 manages, with its member spark-9")


def test_one_that_is_to_be_no_manager_any_more_takes_nothing_with_it(world: World) -> None:
    world.members[0]["Spec"]["Role"] = "worker"
    world.services = [("theirs", {})]
    assert world.undo() == {"spark-2": None, "spark-1": None}


def test_managers_that_elect_a_leader_are_waited_for(world: World) -> None:
    world.troubles = [UnknownFact("the swarm has no leader.")]
    assert world.undo() == {"spark-2": None, "spark-1": None}


def test_a_swarm_that_cannot_be_read_may_be_of_use_to_others(world: World) -> None:
    (world.folder / "no-leader").touch()
    assert world.undo()["spark-1"] == _asked(
        world, "would end what cannot be read (the swarm's secrets and configs: no leader)"
    )


def test_tasks_of_a_stack_that_had_to_stay_are_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_asks, "ENDING_PATIENCE_S", 30)
    monkeypatch.setattr(Node, "container", SimpleNamespace(ours=("a task of ours",)))
    world.tasks = {"spark-2": ["finetuning-multinode_finetune.2"]}
    stack = RunCommand(world.cluster.manager, "true", undo_command="false", undo_asks="recreate-stack")
    Applier(world.journal, frozenset()).apply("stack.deployed", 6, stack)
    begun = time.monotonic()
    undo_run(world.cluster, Journal(world.journal.path), lambda _: None)
    assert not world.left("spark-2")
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    ("address", "leaves", "trouble"),
    [
        ("192.168.100.2", False, "it would take 192.168.100.2 away, by which its swarm knows spark-2: when that is"),
        ("192.168.100.2", True, None),
        ("192.168.101.2", False, None),
    ],
)
def test_the_address_by_which_a_swarm_knows_a_node_stays_with_it(
    world: World, tmp_path: Path, stand_in: Callable[[str, str], None], address: str, leaves: bool, trouble: str | None
) -> None:
    stand_in("netplan", "#!/bin/sh\n")
    world.services = [("registry", {})]
    if leaves:
        (tmp_path / "spark-2").touch()
    journal = Journal(tmp_path / "network.jsonl")
    gone = f"true ip addr del {address}/24 dev x; touch {tmp_path}/gone"
    node = world.cluster["spark-2"]
    change = RunCommand(node, "true", undo_command=gone, taken_up_by=APPLY_NETPLAN, undo_asks="leave-swarm")
    Applier(journal, frozenset()).apply("network.addressed", 1, change)
    told: list[UndoResult] = []
    undo_run(world.cluster, journal, told.append)
    assert str(told[0].trouble).startswith(str(trouble))
    assert (tmp_path / "gone").exists() == (trouble is None)
