"""A swarm is left again only where docker still tells that it is the one, which can be read beforehand."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from cluster.facts.docker import DockerFacts
from cluster.facts.network import NetworkFacts
from cluster.node import Node
from engine.change import Change
from engine.undo_step import UndoCommand
from fixers import swarm
from tests.runbook.docker_answers import info
from tests.runbook.recorded import Recorded
from tests.runbook.stack_answers import PORTS
from tests.runbook.swarm_answers import links

DOCKER = '#!/bin/sh\ncase "$1" in info) cat "$FOLDER/told" ;; *) echo "$*" >>"$FOLDER/done" ;; esac\n'


@pytest.fixture
def outside(tmp_path: Path) -> Recorded:
    """Two nodes on a fabric, in no swarm yet."""
    recorded = Recorded(tmp_path)
    recorded.said(DockerFacts, engine=info())
    for number in (1, 2):
        recorded.said(NetworkFacts, f"spark-{number}", links=links("enp1s0f1np1", f"192.168.100.{number}"), ports=PORTS)
    return recorded


def _undone(change: Change, here: Node) -> tuple[bool, UndoCommand]:
    """Whether it stands still, by what it is asked, and how it is taken back, which was done here."""
    (step,) = change.undo()
    assert isinstance(step, UndoCommand)
    stands = here.read(step.stands, root=step.root).exit == 0
    with here.changes_allowed():
        here.change(step.command, root=step.root)
    return stands, step


@pytest.mark.parametrize("same", [True, False])
def test_it_is_left_where_it_is_the_one(
    outside: Recorded,
    here: Node,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stand_in: Callable[[str, str], None],
    *,
    same: bool,
) -> None:
    stand_in("docker", DOCKER)
    monkeypatch.setattr(swarm, "uuid4", lambda: SimpleNamespace(hex="c0ffee"))
    _, worker = outside.cluster.nodes
    for changes, word in ((swarm.initialise(outside.cluster), "c0ffee"), (swarm.join(worker), "192.168.100.1:2377")):
        (tmp_path / "told").write_text(f"{word if same else 'another'}\n")
        (tmp_path / "done").write_text("")
        (change,) = changes
        assert change.undo_asks == "leave-swarm"
        stands, step = _undone(change, here)
        assert (stands, (tmp_path / "done").read_text()) == (same, "swarm leave --force\n" if same else "")
        assert step.stands in step.command
