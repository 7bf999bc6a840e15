"""Taking back what others have built upon asks first, says what they would lose, and asks nobody where nothing is."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

from cluster.cluster import Cluster
from cluster.facts.container import CLUSTER_LABEL
from cluster.inventory import Inventory, NodeEntry
from cluster.node import Node
from engine.apply import Applier
from engine.change import RunCommand
from engine.journal import Journal
from engine.undo import UndoResult, undo_run

WAITS = "PID COMMAND\n1 /sbin/docker-init -- sleep infinity\n7 sleep infinity\n"
TRAINS = f"{WAITS}60 python3 -m accelerate.commands.launch --config_file /workspace/accelerate.yaml -m finetune\n"

DOCKER = rf"""#!/bin/sh
case "$*" in
  "ps -q --filter label={CLUSTER_LABEL}=pair") test ! -e "$FOLDER/processes" || echo 5d5e682ba113 ;;
  "top 5d5e682ba113 -eo pid,args")
    test ! -e "$FOLDER/no-ps" || {{ echo "ps: not found" >&2; exit 1; }}
    cat "$FOLDER/processes" ;;
  "inspect --format {{{{.State.Running}}}} 5d5e682ba113") cat "$FOLDER/runs" ;;
  *) echo "what is $*?" >&2; exit 2 ;;
esac
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: Callable[[str, str], None]) -> Path:
    """The folder that holds what docker tells of processes."""
    stand_in("docker", DOCKER)
    (tmp_path / "runs").write_text("true\n")
    monkeypatch.setattr(Node, "docker", SimpleNamespace(active="active", running=[]))
    return tmp_path


@pytest.fixture
def undo(docker: Path, journal: Journal) -> Callable[..., str | None]:
    """Start what trains on a cluster of two and take it back; returns why it still stands."""

    def undo(*allowed: str, launcher: Literal["swarm", "docker"] = "swarm", stands: str = "") -> str | None:
        entries = (NodeEntry(name="spark-1"), NodeEntry(name="spark-2"))
        cluster = Cluster(Inventory(name="pair", nodes=entries, local=True, launcher=launcher))
        cluster.connect()
        gone = f"touch {docker}/gone"
        change = RunCommand(cluster.manager, "true", undo_command=gone, undo_asks="recreate-stack", undo_stands=stands)
        Applier(journal, frozenset()).apply("stack.deployed", 6, change)
        told: list[UndoResult] = []
        undo_run(cluster, Journal(journal.path), told.append, frozenset(allowed))
        assert (docker / "gone").exists() == (told[0].trouble is None)
        return told[0].trouble

    return undo


@pytest.mark.parametrize(("launcher", "where"), [("swarm", "spark-1 and spark-2"), ("docker", "spark-1")])
def test_a_training_is_not_ended_unasked(
    undo: Callable[..., str | None], docker: Path, journal: Journal, launcher: str, where: str
) -> None:
    (docker / "processes").write_text(TRAINS)
    assert undo(launcher=launcher) == (
        f"it would end the training that runs on {where}: when that is all right, rerun with "
        f"`pytest runbook --undo {journal.path.parent.name} --allow recreate-stack`"
    )


def test_a_training_is_ended_when_that_is_allowed(undo: Callable[..., str | None], docker: Path) -> None:
    (docker / "processes").write_text(TRAINS)
    assert undo("recreate-stack") is None


def test_containers_that_wait_for_work_go_unasked(undo: Callable[..., str | None], docker: Path) -> None:
    (docker / "processes").write_text(WAITS)
    assert undo() is None


def test_where_no_container_is_left_nobody_is_asked(undo: Callable[..., str | None]) -> None:
    assert undo() is None


def test_a_training_in_what_this_run_has_not_started_asks_nobody(undo: Callable[..., str | None], docker: Path) -> None:
    (docker / "processes").write_text(TRAINS)
    assert undo(stands="false") is None


def test_a_training_in_what_this_run_has_started_asks(undo: Callable[..., str | None], docker: Path) -> None:
    (docker / "processes").write_text(TRAINS)
    assert undo(stands="true") is not None


def test_what_cannot_be_read_may_be_a_training(undo: Callable[..., str | None], docker: Path) -> None:
    (docker / "processes").write_text(TRAINS)
    (docker / "no-ps").touch()
    assert (undo() or "").startswith(
        "it would end what cannot be read (`docker top` on spark-1: ps: not found): when that is all right, rerun with"
    )


def test_a_container_that_ends_meanwhile_trains_nothing(undo: Callable[..., str | None], docker: Path) -> None:
    (docker / "processes").write_text(TRAINS)
    (docker / "no-ps").touch()
    (docker / "runs").write_text("false\n")
    assert undo() is None
