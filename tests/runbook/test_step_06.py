"""Step 6 on recorded output: each check fails for its own reason, in words."""

import json
import re
from collections.abc import Callable

import pytest

from cluster.facts.docker import DockerFacts
from cluster.facts.machine import MachineFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.stack import SERVICE, EndedFacts, StackFacts
from cluster.facts.swarm import SwarmFacts
from engine.outcome import Outcome, Verdict
from engine.undo_step import UndoCommand
from fixers import image
from runbook import test_06_stack as step_06
from tests.runbook.docker_answers import said
from tests.runbook.recorded import Recorded
from tests.runbook.swarm_answers import engine, links
from workloads import launcher
from workloads.deploy import workspace_files

WORKSPACE, CACHE = "/home/nvidia/spark-runbook", "/home/nvidia/.cache/huggingface"
PORTS = "rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)\n"
CHECKS = [check for name, check in vars(step_06).items() if name.startswith("test_")]


CONTENT = '{"Layers":["sha256:17bd","sha256:5f70"],"Type":"layers"} ["PATH=/usr/bin","NCCL_VERSION=2.27.7"]\n'


def task(number: int, node: str, state: str = "Running 2 minutes ago", **more: str) -> str:
    told = {"ID": f"task{number}", "Name": f"{SERVICE}.{number}", "Node": node, "CurrentState": state}
    return json.dumps({**told, "DesiredState": "Running", "Error": "", **more}) + "\n"


def service(name: str, kind: str, replicas: int = 1) -> str:
    reserved = {"Reservations": {"GenericResources": [{"DiscreteResourceSpec": {"Kind": kind, "Value": 1}}]}}
    mode = {"Replicated": {"Replicas": replicas}}
    return json.dumps([{"Spec": {"Name": name, "Mode": mode, "TaskTemplate": {"Resources": reserved}}}])


@pytest.fixture
def healthy(recorded: Callable[..., Recorded]) -> Recorded:
    """A stack of two tasks on two nodes."""
    return _healthy(recorded())


def _healthy(cluster: Recorded) -> Recorded:
    for number in (1, 2):
        node, address = f"spark-{number}", f"192.168.100.{number}"
        cluster.said(NetworkFacts, node, links=links("enp1s0f1np1", address), ports=PORTS)
        cluster.said(DockerFacts, node, engine=engine(f"id{number}", address))
        cluster.said(MachineFacts, node, hostname=f"{node}\n")
    cluster.said(SwarmFacts, services="")
    cluster.said(
        StackFacts,
        image_id="sha256:abc\n",
        image_content=CONTENT,
        directories=f"yes {WORKSPACE}\nyes {CACHE}\n",
        writable=f"yes {WORKSPACE}\nyes {CACHE}\n",
        owners=f"1000:1000 {WORKSPACE}\n",
        workspace="".join(f"{content.sha256}  ./{name}\n" for name, content in workspace_files(None).items()),
        digest=launcher.expected(cluster.cluster)["spark-1"] + "\n",
        tasks=task(1, "spark-1") + task(2, "spark-2"),
    )
    cluster.said(EndedFacts, last_words="")
    return cluster


def judge(cluster: Recorded, check: Callable[..., object]) -> Verdict:
    return cluster.judge(check, None if "cluster" in check.__annotations__ else "spark-2")


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_as_it_has_to_be_passes_without_a_word(healthy: Recorded, check: Callable[..., object]) -> None:
    verdict = judge(healthy, check)
    assert (verdict.outcome, verdict.warning, verdict.cause) == (Outcome.PASSED, None, None)


def test_an_image_that_is_not_there(healthy: Recorded) -> None:
    healthy.said(StackFacts, "spark-2", image_id=said("\n", err="Error: No such image: x", exit_status=1))
    verdict = judge(healthy, step_06.test_image_is_there)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "nothing")


def test_a_task_of_what_the_node_was_before_counts_for_nothing(healthy: Recorded) -> None:
    earlier = task(3, "spark-2", DesiredState="Shutdown")
    healthy.said(StackFacts, "spark-1", tasks=task(1, "spark-1") + task(2, "spark-2") + earlier)
    assert judge(healthy, step_06.test_task_runs).outcome is Outcome.PASSED


MISSING = said("\n", err="Error: No such image: x", exit_status=1)
NAME = "nvcr.io/nvidia/pytorch:25.10-py3"
PULLED = f"spark-1$ docker pull {NAME}"
COPIED = "{}$ ssh nvidia@192.168.100.{} docker save {} | docker load"

HANDED_ON = "spark-1$ docker load --input /srv/image.tar, handed on by ssh to spark-2"


@pytest.mark.parametrize(
    ("without", "node", "planned"),
    [
        (("spark-2",), "spark-2", COPIED.format("spark-2", 1, NAME)),
        (("spark-1",), "spark-1", COPIED.format("spark-1", 2, NAME)),
        (("spark-1", "spark-2"), "spark-1", PULLED),
        (("spark-1", "spark-2"), "spark-2", COPIED.format("spark-2", 1, NAME)),
    ],
)
def test_an_image_comes_once_from_outside_and_then_over_the_fabric(
    recorded: Callable[..., Recorded], without: tuple[str, ...], node: str, planned: str
) -> None:
    cluster = _healthy(recorded(inventory=f"image: {{name: '{NAME}'}}"))
    for one in without:
        cluster.said(StackFacts, one, image_id=MISSING)
    verdict = cluster.judge(step_06.test_image_is_there, node)
    assert [change.describe for change in verdict.changes] == [planned]


def test_an_image_comes_by_the_port_that_the_peers_sshd_has(recorded: Callable[..., Recorded]) -> None:
    cluster = _healthy(recorded(inventory=f"image: {{name: '{NAME}'}}", port=2222))
    cluster.said(StackFacts, "spark-2", image_id=MISSING)
    (change,) = cluster.judge(step_06.test_image_is_there, "spark-2").changes
    assert change.describe == COPIED.format("spark-2", 1, NAME).replace("ssh ", "ssh -p 2222 ")


@pytest.mark.parametrize(
    ("without", "planned"),
    [
        (("spark-1", "spark-2"), {"spark-1": HANDED_ON, "spark-2": HANDED_ON}),
        (("spark-1",), {"spark-1": COPIED.format("spark-1", 2, NAME)}),
        (("spark-2",), {"spark-2": COPIED.format("spark-2", 1, NAME)}),
    ],
)
def test_an_archive_is_handed_on_while_it_comes_to_those_that_lack_the_image(
    recorded: Callable[..., Recorded], without: tuple[str, ...], planned: dict[str, str]
) -> None:
    cluster = _healthy(recorded(inventory=f"image: {{name: '{NAME}', archive: /srv/image.tar}}"))
    for one in without:
        cluster.said(StackFacts, one, image_id=MISSING)
    for node, change in planned.items():
        verdict = cluster.judge(step_06.test_image_is_there, node)
        assert [one.describe for one in verdict.changes] == [change]


def test_a_node_of_which_it_is_not_known_whether_it_has_the_image_is_handed_none(
    recorded: Callable[..., Recorded],
) -> None:
    cluster = _healthy(recorded(inventory=f"image: {{name: '{NAME}', archive: /srv/image.tar}}"))
    cluster.said(StackFacts, "spark-1", image_id=MISSING)
    cluster.said(StackFacts, "spark-2", image_id=said("\n", err="permission denied", exit_status=1))
    verdict = cluster.judge(step_06.test_image_is_there, "spark-1")
    assert [one.describe for one in verdict.changes] == ["spark-1$ docker load --input /srv/image.tar"]


def test_an_image_without_a_name_is_built_once_and_then_goes_over_the_fabric(healthy: Recorded) -> None:
    healthy.said(StackFacts, image_id=MISSING)
    (build,), (copy,) = (healthy.judge(step_06.test_image_is_there, node).changes for node in ("spark-1", "spark-2"))
    built = healthy.cluster.inventory.image.reference
    assert build.describe.splitlines()[:2] == [
        f"spark-1$ docker build --network host --tag {built} - with", f"  FROM {NAME}",
    ]  # fmt: skip
    assert copy.describe == COPIED.format("spark-2", 1, built)


@pytest.mark.parametrize("differs", ["5f70", "2.27.7"])
def test_one_tag_and_two_images(healthy: Recorded, differs: str) -> None:
    healthy.said(StackFacts, "spark-2", image_id="sha256:def\n", image_content=CONTENT.replace(differs, "6a01"))
    verdict = judge(healthy, step_06.test_image_is_the_same)
    assert verdict.outcome is Outcome.FAILED
    assert re.fullmatch(r"spark-1: sha256:[0-9a-f]{64}; spark-2: sha256:[0-9a-f]{64}", str(verdict.found))
    (copy,) = verdict.changes
    assert copy.describe == COPIED.format("spark-2", 1, healthy.cluster.inventory.image.reference)
    (changes,) = image.even_out(healthy.cluster)
    assert isinstance(changes, list)
    (undo,) = changes[0].undo()
    assert isinstance(undo, UndoCommand)
    assert undo.command == f"docker tag sha256:def {healthy.cluster.inventory.image.reference}"


def test_an_image_is_the_same_in_dockers_own_store_and_in_containerds(healthy: Recorded) -> None:
    # moby 48401: the one takes the digest of the configuration for its id, the other that of the manifest.
    healthy.said(StackFacts, "spark-2", image_id="sha256:a8560b36\n")
    assert judge(healthy, step_06.test_image_is_the_same).outcome is Outcome.PASSED
    assert list(image.even_out(healthy.cluster)) == [[]]


def test_an_image_that_tells_no_layers_is_not_known_to_be_another(healthy: Recorded) -> None:
    healthy.said(StackFacts, "spark-2", image_content="{}\n")
    assert judge(healthy, step_06.test_image_is_the_same).outcome is Outcome.UNKNOWN


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


@pytest.mark.parametrize("other", [service("llm", "NVIDIA_GPU", replicas=0), service("llm", "SSD"), ""])
def test_a_service_that_holds_no_gpu_is_not_blamed(healthy: Recorded, other: str) -> None:
    healthy.said(SwarmFacts, services=other)
    healthy.said(StackFacts, tasks=task(2, "", "Pending 3 seconds ago", Error=NO_ROOM))
    verdict = judge(healthy, step_06.test_task_runs)
    assert verdict.cause == "Pending 3 seconds ago: no suitable node (insufficient resources on 2 nodes)"
