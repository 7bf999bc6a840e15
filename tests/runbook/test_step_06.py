"""Step 6 on recorded output: each check fails for its own reason, in words."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.facts.base import NOT_SHOWN
from cluster.facts.docker import DockerFacts
from cluster.facts.stack import SERVICE, EndedFacts, StackFacts
from cluster.facts.swarm import SwarmFacts
from cluster.read_only import refuse_changes
from engine.outcome import Verdict
from engine.plugin import RUN
from reports.outcome import Outcome
from runbook import conftest
from runbook import test_06_stack as step_06
from runbook.settling import tasks_settle
from tests.runbook.docker_answers import said
from tests.runbook.recorded import Recorded
from tests.runbook.stack_answers import CACHE, WORKSPACE, deployed_service, stack_in_order, task
from tests.runbook.swarm_answers import engine
from workloads.deploy import workspace_files

CHECKS = [check for name, check in vars(step_06).items() if name.startswith("test_")]


def service(name: str, kind: str, replicas: int = 1) -> str:
    reserved = {"Reservations": {"GenericResources": [{"DiscreteResourceSpec": {"Kind": kind, "Value": 1}}]}}
    mode = {"Replicated": {"Replicas": replicas}}
    return json.dumps([{"Spec": {"Name": name, "Mode": mode, "TaskTemplate": {"Resources": reserved}}}])


@pytest.fixture
def healthy(recorded: Callable[..., Recorded]) -> Recorded:
    """A stack of two tasks on two nodes."""
    return stack_in_order(recorded())


def judge(cluster: Recorded, check: Callable[..., object]) -> Verdict:
    return cluster.judge(check, None if "cluster" in check.__annotations__ else "spark-2")


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_as_it_has_to_be_passes_without_a_word(healthy: Recorded, check: Callable[..., object]) -> None:
    verdict = judge(healthy, check)
    assert (verdict.outcome, verdict.warning, verdict.cause) == (Outcome.PASSED, None, None)


def test_a_task_of_what_the_node_was_before_counts_for_nothing(healthy: Recorded) -> None:
    earlier = task(3, "spark-2", DesiredState="Shutdown")
    healthy.said(StackFacts, "spark-1", tasks=task(1, "spark-1") + task(2, "spark-2") + earlier)
    assert judge(healthy, step_06.test_task_runs).outcome is Outcome.PASSED


def test_a_directory_that_swarm_would_not_make(healthy: Recorded) -> None:
    healthy.said(StackFacts, directories=f"yes {WORKSPACE}\nno {CACHE}\n")
    verdict = judge(healthy, step_06.test_directories_exist)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, CACHE)
    assert verdict.cause == "swarm makes none: bind source path does not exist"


def test_a_workspace_that_docker_has_made_as_root(healthy: Recorded) -> None:
    healthy.said(StackFacts, writable=f"no {WORKSPACE}\nyes {CACHE}\n", owners=f"0:0 {WORKSPACE}\n")
    verdict = judge(healthy, step_06.test_workspace_is_writable)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, WORKSPACE)
    assert [change.describe for change in verdict.changes] == [f"spark-2$ sudo chown nvidia: {WORKSPACE}"]


def test_a_cache_that_belongs_to_root_is_worth_a_word(healthy: Recorded) -> None:
    healthy.said(StackFacts, writable=f"yes {WORKSPACE}\nno {CACHE}\n")
    verdict = judge(healthy, step_06.test_model_cache_is_writable)
    assert (verdict.outcome, verdict.warning) == (
        Outcome.PASSED,
        "a download outside of a container would be refused",
    )


def test_a_file_of_the_program_that_was_edited(healthy: Recorded) -> None:
    whole = "".join(f"{content.sha256}  ./{name}\n" for name, content in list(workspace_files(None).items())[1:])
    healthy.said(StackFacts, workspace=whole)
    verdict = judge(healthy, step_06.test_workload_is_copied)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, next(iter(workspace_files(None))))


def test_of_the_workspace_the_program_alone_is_read(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    workspace = tmp_path / "my work"
    for name in ("finetune/it's.py", "data/alpaca.json", "data/mine.json"):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(name)
    cluster = recorded(inventory=f"workspace: {workspace}").cluster
    cluster.program = ("finetune/it's.py", "finetune/gone.py", "data/alpaca.json")
    (command,) = [probe.command for probe in StackFacts.probes(cluster.manager) if probe.name == "workspace"]
    refuse_changes(command)
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert [line.partition("  ")[2] for line in told.splitlines()] == ["finetune/it's.py", "data/alpaca.json"]
    shutil.rmtree(workspace)
    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout == ""


def test_a_run_tells_which_files_are_the_programs(recorded: Callable[..., Recorded]) -> None:
    cluster = recorded().cluster
    config = SimpleNamespace(stash={RUN: SimpleNamespace(cluster=cluster)}, getoption=lambda _: None)
    conftest.pytest_collection_modifyitems(config)  # type: ignore[arg-type]  # all that it looks at
    assert cluster.program == tuple(workspace_files(None))


@pytest.mark.parametrize(
    ("digest", "cause"),
    [
        (
            said(err="Error: no such service: x", exit_status=1),
            f"there is no service {SERVICE} that was deployed from here",
        ),
        (
            "ab12\n",
            "the stack was deployed from another inventory or version: image, nodes, mounts or environment differ",
        ),
    ],
)
def test_a_stack_that_is_not_there_or_another(healthy: Recorded, digest: str, cause: str) -> None:
    healthy.said(StackFacts, digest=digest)
    verdict = judge(healthy, step_06.test_stack_is_deployed)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("image", lambda spec: spec["TaskTemplate"]["ContainerSpec"].update(Image="mine:2@sha256:ab12")),
        ("command", lambda spec: spec["TaskTemplate"]["ContainerSpec"].update(Args=["bash"])),
        ("environment", lambda spec: spec["TaskTemplate"]["ContainerSpec"]["Env"].append("NCCL_DEBUG=INFO")),
        ("mounts", lambda spec: spec["TaskTemplate"]["ContainerSpec"]["Mounts"].pop()),
        ("replicas", lambda spec: spec["Mode"]["Replicated"].update(Replicas=1)),
        ("reserved resources", lambda spec: spec["TaskTemplate"].pop("Resources")),
    ],
)
def test_a_service_that_somebody_has_updated_by_hand(
    healthy: Recorded, part: str, change: Callable[[dict[str, Any]], object]
) -> None:
    service = deployed_service(healthy)
    change(service["Spec"])
    healthy.said(SwarmFacts, "spark-1", services=json.dumps([service]))
    verdict = judge(healthy, step_06.test_service_is_untouched)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, part)
    assert "--allow recreate-stack" in (verdict.remedy or "")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("mine", "mine:latest"),
        ("docker.io/library/mine:1", "mine:1"),
        ("docker.io/me/mine:1", "me/mine:1"),
        ("host:5000/mine", "host:5000/mine:latest"),
        ("me/mine:1@sha256:ab12", "me/mine:1@sha256:ab12"),
    ],
)
def test_a_name_that_docker_writes_in_its_own_way_is_no_other_image(
    recorded: Callable[..., Recorded], written: str, kept: str
) -> None:
    cluster = stack_in_order(recorded(inventory=f"image: {{name: '{written}'}}"))
    service = deployed_service(cluster)
    service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] = kept
    cluster.said(SwarmFacts, "spark-1", services=json.dumps([service]))
    assert judge(cluster, step_06.test_service_is_untouched).outcome is Outcome.PASSED


def test_what_services_of_others_are_given_is_not_shown(healthy: Recorded) -> None:
    other = {"Spec": {"Name": "db", "TaskTemplate": {"ContainerSpec": {"Env": ["DSN=postgres://u:xyzzy@db"]}}}}
    healthy.said(SwarmFacts, "spark-1", services=json.dumps([deployed_service(healthy), other]))
    verdict = judge(healthy, step_06.test_service_is_untouched)
    assert (verdict.outcome, "xyzzy" in repr(verdict.evidence)) == (Outcome.PASSED, False)
    assert any(one.output == NOT_SHOWN for one in verdict.evidence)


@pytest.mark.parametrize(
    ("client", "option"),
    [({"Version": "28.2.2"}, " --detach=true"), ({"Version": "24.0.7"}, ""), ({"Context": "default"}, ""), (None, "")],
)
def test_an_older_docker_deploys_without_an_option_that_it_does_not_know(
    healthy: Recorded, client: dict[str, str] | None, option: str
) -> None:
    healthy.said(StackFacts, digest=said(err="Error: no such service: x", exit_status=1))
    told = json.loads(engine("id1", "192.168.100.1")) | ({"ClientInfo": client} if client else {})
    healthy.said(DockerFacts, "spark-1", engine=json.dumps(told))
    (deploy,) = judge(healthy, step_06.test_stack_is_deployed).changes
    assert deploy.describe.splitlines()[0] == (
        f"spark-1$ sudo docker stack deploy{option} --prune --resolve-image never -c - finetuning-multinode"
    )


def test_the_playbooks_own_stack_of_the_same_name_is_replaced_when_asked_to_alone(healthy: Recorded) -> None:
    playbooks = (
        '[{"Spec": {"Name": "finetuning-multinode_finetunine", '
        '"Labels": {"com.docker.stack.namespace": "finetuning-multinode"}}}]'
    )
    healthy.said(StackFacts, digest=said(err="Error: no such service: x", exit_status=1))
    healthy.said(SwarmFacts, "spark-1", services=playbooks)
    verdict = judge(healthy, step_06.test_stack_is_deployed)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.remedy == (
        "rerun with `pytest runbook --fix --allow recreate-stack` if it is all right that the stack "
        "finetuning-multinode with its finetuning-multinode_finetunine is replaced, and whatever is trained in it ends"
    )


NO_ROOM = '"no suitable node (insufficient resources on 2 nodes)"'
REJECTED = '"invalid mount config for type "bind": bind source path does not exist: /srv/x"'


@pytest.mark.parametrize(
    ("tasks", "cause"),
    [
        (
            task(2, "spark-2", "Rejected 3 seconds ago", Error=REJECTED),
            'Rejected 3 seconds ago: invalid mount config for type "bind": bind source path does not exist: /srv/x',
        ),
        (
            task(2, "spark-2", "Failed 9 seconds ago", Error='"task: non-zero exit (1)"'),
            "Failed 9 seconds ago: task: non-zero exit (1); its last words: Traceback / ModuleNotFoundError: torch",
        ),
        (
            task(2, "", "Pending 3 seconds ago", Error=NO_ROOM),
            "Pending 3 seconds ago: no suitable node (insufficient resources on 2 nodes); GPUs are held by the service "
            "llm",
        ),
        (task(2, "spark-3"), "swarm has given this node no task; there are: spark-3 (Running 2 minutes ago)"),
        ("", "swarm has given this node no task; there are: none at all"),
        (
            task(2, "spark-2") + task(1, "spark-2"),
            "more than one task runs here, and another node has none",
        ),
    ],
)
def test_a_task_that_does_not_run(healthy: Recorded, tasks: str, cause: str) -> None:
    healthy.said(SwarmFacts, services=service("llm", "NVIDIA_GPU"))
    words = "== task2\nTraceback\nModuleNotFoundError: torch\n== task9\n"
    healthy.said(StackFacts, tasks=tasks)
    healthy.said(EndedFacts, last_words=words)
    verdict = judge(healthy, step_06.test_task_runs)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def ended(number: int, node: str, seconds: int) -> str:
    error = '"task: non-zero exit (255)"'
    return task(number, node, f"Failed {seconds} seconds ago", DesiredState="Shutdown", Error=error)


AGAIN = task(5, "spark-2", "Ready 1 second ago", DesiredState="Ready")


def test_a_container_that_is_started_again_and_again(healthy: Recorded) -> None:
    tasks = task(1, "spark-1") + AGAIN + "".join(ended(4 - one, "spark-2", 3 + 8 * one) for one in range(3))
    healthy.said(StackFacts, tasks=tasks)
    healthy.said(EndedFacts, last_words="== task4\nexec /usr/bin/sleep: exec format error\n")
    verdict = judge(healthy, step_06.test_task_runs)
    assert verdict.cause == (
        "it is started again and again, and ends: Failed 3 seconds ago: task: non-zero exit (255); "
        "its last words: exec /usr/bin/sleep: exec format error"
    )
    assert tasks_settle(healthy.cluster) is None


def test_one_that_ended_twice_may_yet_come(healthy: Recorded) -> None:
    twice = ended(4, "spark-2", 3) + ended(3, "spark-2", 11)
    healthy.said(StackFacts, tasks=task(1, "spark-1") + AGAIN + twice)
    assert tasks_settle(healthy.cluster) == "a task is ready 1 second ago"


@pytest.mark.parametrize("other", [service("llm", "NVIDIA_GPU", replicas=0), service("llm", "SSD"), ""])
def test_a_service_that_holds_no_gpu_is_not_blamed(healthy: Recorded, other: str) -> None:
    healthy.said(SwarmFacts, services=other)
    healthy.said(StackFacts, tasks=task(2, "", "Pending 3 seconds ago", Error=NO_ROOM))
    verdict = judge(healthy, step_06.test_task_runs)
    assert verdict.cause == "Pending 3 seconds ago: no suitable node (insufficient resources on 2 nodes)"
