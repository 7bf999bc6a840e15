"""A stack, or a container, is taken back only where it is still the one that the change has started."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from cluster.cluster import Cluster
from cluster.facts.network import NetworkFacts
from cluster.facts.stack import SERVICE, STACK, StackFacts
from cluster.inventory import Inventory, NodeEntry
from cluster.node import Node
from engine.undo_step import UndoCommand
from fixers.stack import DeployStack, deploy, remove_command
from tests.runbook.recorded import Recorded
from tests.runbook.stack_answers import PORTS
from tests.runbook.swarm_answers import links
from tests.workloads.test_stack import SPEC
from workloads import launcher
from workloads.stack import render_stack, stack_digest

# What there is are files: their name is the id, their content the labels. What was removed has no file any more.
DOCKER = r"""#!/bin/sh
list() {
  for file in "$FOLDER/$1"/*; do
    test -e "$file" || continue
    all=yes
    for word; do case $word in label=*) grep -qE "^${word#label=}(=|\$)" "$file" || all=no ;; esac; done
    test $all = no || basename "$file"
  done
}
echo "$*" >>"$FOLDER/asked"
case "$1 $2" in
  "service ls") shift 2; list services "$@" ;;
  "service inspect") test -n "$(list services)" ;;
  "service rm") shift 2; for id; do rm "$FOLDER/services/$id"; done; rm -f "$FOLDER"/containers/task-* ;;
  "stack rm") rm -f "$FOLDER"/services/* "$FOLDER"/containers/task-* ;;
  "ps -q") ls "$FOLDER/containers" | grep "^task-" || true ;;
  "ps -aq") list containers "$@" ;;
  "rm --force") shift 2; for id; do rm "$FOLDER/containers/$id"; done ;;
  *) exit 2 ;;
esac
"""
NAMESPACE, DIGEST, OURS = "com.docker.stack.namespace", "com.spark-runbook.digest", "com.spark-runbook.cluster=pair"
RENDERED = render_stack(SPEC, 2)
DEPLOYED = stack_digest(RENDERED)


@pytest.fixture
def docker(tmp_path: Path, stand_in: Callable[[str, str], None]) -> Path:
    """The folder in which services and containers are files."""
    stand_in("docker", DOCKER)
    for kind in ("services", "containers"):
        (tmp_path / kind).mkdir()
    return tmp_path


def _node(launcher: Literal["swarm", "docker"]) -> Node:
    cluster = Cluster(Inventory(name="pair", nodes=(NodeEntry(name="n0"),), local=True, launcher=launcher))
    cluster.connect()
    return cluster.manager


def _put(folder: Path, name: str, *labels: str) -> None:
    (folder / name).write_text("".join(f"{label}\n" for label in labels))


def _there(docker: Path) -> list[str]:
    return sorted(path.name for kind in ("services", "containers") for path in (docker / kind).iterdir())


def _undo_of_a_stack(node: Node, *, stands: bool = True) -> None:
    stack = DeployStack(node, RENDERED)
    assert stack.undo_asks == "recreate-stack"
    (step,) = stack.undo()
    assert isinstance(step, UndoCommand)
    assert (node.read(step.stands, root=step.root).exit == 0) == stands
    with node.changes_allowed():
        node.change(step.command)


def test_the_stack_that_was_deployed_goes_with_its_containers(docker: Path) -> None:
    _put(docker / "services", "finetune", f"{NAMESPACE}={STACK}", f"{DIGEST}={DEPLOYED}")
    _put(docker / "containers", "task-1")
    _undo_of_a_stack(_node("swarm"))
    assert _there(docker) == []


def test_a_service_that_somebody_put_into_the_stack_stays(docker: Path) -> None:
    _put(docker / "services", "finetune", f"{NAMESPACE}={STACK}", f"{DIGEST}={DEPLOYED}")
    _put(docker / "services", "theirs", f"{NAMESPACE}={STACK}")
    _undo_of_a_stack(_node("swarm"))
    assert _there(docker) == ["theirs"]


def test_a_stack_that_a_later_run_deployed_stays_and_is_not_waited_for(docker: Path) -> None:
    _put(docker / "services", "finetune", f"{NAMESPACE}={STACK}", f"{DIGEST}=another")
    _put(docker / "containers", "task-1")
    _undo_of_a_stack(_node("swarm"), stands=False)
    assert _there(docker) == ["finetune", "task-1"]
    assert f"service inspect {SERVICE}" in (docker / "asked").read_text()


def test_of_any_digest_all_of_ours_goes(docker: Path) -> None:
    _put(docker / "services", "finetune", f"{NAMESPACE}={STACK}", f"{DIGEST}=another")
    node = _node("swarm")
    with node.changes_allowed():
        node.change(remove_command(node.cluster))
    assert _there(docker) == []


@pytest.mark.parametrize(
    ("labels", "goes"),
    [
        ([OURS, f"{DIGEST}=abc"], True),
        ([OURS, f"{DIGEST}=def"], False),
        (["com.spark-runbook.cluster=other", f"{DIGEST}=abc"], False),
        ([], False),
    ],
    ids=["the one that was started", "a later run's", "another cluster's", "somebody's own of that name"],
)
def test_only_the_container_that_was_started_goes(docker: Path, labels: list[str], *, goes: bool) -> None:
    _put(docker / "containers", "spark-runbook-pair", *labels)
    node = _node("docker")
    with node.changes_allowed():
        node.change(remove_command(node.cluster, "abc"))
    assert _there(docker) == ([] if goes else ["spark-runbook-pair"])


def test_a_container_is_taken_back_by_the_digest_with_which_it_is_started(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path, inventory="launcher: docker")
    for node in recorded.cluster.nodes:
        recorded.said(StackFacts, node.name, rdma="no\n", digest="another\n")
        recorded.said(NetworkFacts, node.name, links=links("enp1s0f1np1", f"192.168.100.{node.rank + 1}"), ports=PORTS)
    (changes,) = deploy(recorded.cluster)
    assert isinstance(changes, list)
    remove, start, *_ = changes
    (step,) = start.undo()
    assert isinstance(step, UndoCommand)
    assert start.undo_asks == "recreate-stack"
    digest = launcher.expected(recorded.cluster)["spark-1"]
    assert f"--label {DIGEST}={digest} " in start.describe()
    assert f"--filter label={DIGEST}={digest})" in step.command
    assert f"--filter label={DIGEST}={digest})" in step.stands
    assert f"--filter label={DIGEST})" in remove.describe(), "what is there already is another one"
