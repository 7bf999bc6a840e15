"""Step 7 on recorded output: each check fails for its own reason, in words."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cluster.facts.container import ContainerFacts, InsideFacts
from cluster.facts.gpu import GpuFacts
from cluster.facts.stack import StackFacts
from engine.outcome import Verdict
from reports.outcome import Outcome
from runbook import test_07_container as step_07
from tests.gpu_answers import smi_of_sparks
from tests.runbook.docker_answers import said
from tests.runbook.recorded import Recorded
from workloads.requirements import asked_for, pinned

OWN = "GPU-2e69daeb-45de-2588-13c3-3f623ae44eaa"
OTHER = "GPU-0e69daeb-45de-2588-13c3-3f623ae44eaa"
MIG = "MIG-5e69daeb-45de-2588-13c3-3f623ae44eaa"
SHM = {"Type": "tmpfs", "Target": "/dev/shm", "TmpfsOptions": {"SizeBytes": 8 * 2**30}}  # noqa: S108 - the container's
CHECKS = [check for name, check in vars(step_07).items() if name.startswith("test_")]


def container(name: str = "one", *, gpu: str = OWN, image: str = "sha256:abc", **host: Any) -> dict[str, Any]:
    environment = [f"DOCKER_RESOURCE_NVIDIA_GPU={gpu}"] if gpu else []
    host = host or {"ShmSize": 2**26, "Mounts": [SHM]}
    return {"Id": name, "Name": f"/{name}", "Image": image, "Config": {"Env": environment}, "HostConfig": host}


def packages(**changed: str) -> str:
    told = pinned() | changed
    return "".join(f"{name} {version}\n" for name, version in told.items() if version)


def listed(*uuids: str) -> str:
    return "".join(f"GPU {number}: NVIDIA GB10 (UUID: {uuid})\n" for number, uuid in enumerate(uuids))


def seen(devices: str = "0\n" + listed(OWN), installed: str | None = None) -> dict[str, str]:
    """What both questions about the inside are answered by."""
    told = f"== nvidia-smi {devices}\n== packages\n{packages() if installed is None else installed}"
    return {"devices": told, "packages": told}


@pytest.fixture
def healthy(recorded: Callable[..., Recorded]) -> Recorded:
    """One container on each node, as it has to be."""
    cluster = recorded()
    cluster.said(GpuFacts, smi=smi_of_sparks(OWN))
    cluster.said(StackFacts, image_id="sha256:abc\n")
    cluster.said(
        ContainerFacts,
        ours=json.dumps([container()]),
    )
    cluster.said(InsideFacts, workspace="2049:77\n2049:77\n", **seen())
    return cluster


def judge(cluster: Recorded, check: Callable[..., object]) -> Verdict:
    return cluster.judge(check, None if "cluster" in check.__annotations__ else "spark-2")


def tell(cluster: Recorded, *containers: dict[str, Any]) -> None:
    cluster.said(ContainerFacts, "spark-2", ours=json.dumps(containers))


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_as_it_has_to_be_passes_without_a_word(healthy: Recorded, check: Callable[..., object]) -> None:
    verdict = judge(healthy, check)
    assert (verdict.outcome, verdict.warning, verdict.cause) == (Outcome.PASSED, None, None)


@pytest.mark.parametrize(
    ("names", "cause"),
    [
        ((), "no container with our label runs here: it ended since the task was seen running"),
        (("one", "two"), "several containers carry our label: one, two"),
    ],
)
def test_not_one_container(healthy: Recorded, names: tuple[str, ...], cause: str) -> None:
    tell(healthy, *(container(name) for name in names))
    verdict = judge(healthy, step_07.test_one_container_runs)
    assert (verdict.outcome, verdict.found, verdict.cause) == (Outcome.FAILED, str(len(names)), cause)


@pytest.mark.parametrize(
    "state", [{"Status": "exited", "Running": False, "Pid": 0}, {"Status": "restarting", "Running": True, "Pid": 0}]
)
def test_a_container_that_ended_after_it_was_listed_is_none(healthy: Recorded, state: dict[str, Any]) -> None:
    tell(healthy, container() | {"State": state})
    verdict = judge(healthy, step_07.test_one_container_runs)
    assert verdict.cause == "no container with our label runs here: it ended since the task was seen running"


@pytest.mark.parametrize("check", [check for check in CHECKS if check is not step_07.test_one_container_runs])
def test_where_no_container_runs_nothing_of_it_is_judged(healthy: Recorded, check: Callable[..., object]) -> None:
    tell(healthy)
    verdict = judge(healthy, check)
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "no training container runs on spark-2")


def test_a_container_that_somebody_has_paused(healthy: Recorded) -> None:
    tell(healthy, container() | {"State": {"Status": "paused", "Running": True, "Paused": True, "Pid": 7}})
    verdict = judge(healthy, step_07.test_container_is_not_paused)
    assert (verdict.outcome, [change.describe for change in verdict.changes]) == (
        Outcome.FAILED,
        ["spark-2$ sudo docker unpause one"],
    )


def test_an_image_that_was_loaded_anew(healthy: Recorded) -> None:
    tell(healthy, container(image="sha256:old"))
    verdict = judge(healthy, step_07.test_container_runs_the_image)
    assert (verdict.outcome, verdict.found, verdict.expected) == (Outcome.FAILED, "sha256:old", "sha256:abc")
    assert "--allow recreate-stack" in str(verdict.remedy)


@pytest.mark.parametrize(
    ("gpu", "cause"),
    [
        ("", "swarm gave the container no GPU: its service reserves none"),
        (OTHER, f"swarm gave the container {OTHER}, which is not this node's"),
    ],
)
def test_a_container_without_this_nodes_gpu(healthy: Recorded, gpu: str, cause: str) -> None:
    tell(healthy, container(gpu=gpu))
    verdict = judge(healthy, step_07.test_container_was_given_its_own_gpu)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def test_of_several_gpus_swarm_gives_the_container_one(healthy: Recorded) -> None:
    healthy.said(GpuFacts, smi=smi_of_sparks(OTHER, OWN))
    assert judge(healthy, step_07.test_container_was_given_its_own_gpu).outcome is Outcome.PASSED
    assert judge(healthy, step_07.test_gpu_works_in_the_container).outcome is Outcome.PASSED


def test_a_slice_of_a_gpu_works_in_the_container(healthy: Recorded) -> None:
    tell(healthy, container(gpu=MIG))
    slices = f"{listed(OWN)}  MIG 1g.10gb     Device  0: (UUID: {MIG})\n"
    healthy.said(InsideFacts, **seen(f"0\n{slices}"))
    assert judge(healthy, step_07.test_gpu_works_in_the_container).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("devices", "cause"),
    [
        (
            "255\nFailed to initialize NVML: Unknown Error\n",
            "Failed to initialize NVML: Unknown Error: the container lost its GPU when systemd reloaded its units, and "
            "has to be made anew",
        ),
        (
            "127\nnvidia-smi: No such file or directory\n",
            "in the container nvidia-smi says: nvidia-smi: No such file or directory",
        ),
        (
            "3\n",
            "in the container nvidia-smi says: nothing, with exit 3",
        ),
        (
            "0\n" + listed(OWN, OTHER),
            f"the container sees {OWN}, {OTHER}: the runtime did not heed what swarm gave it",
        ),
    ],
)
def test_a_gpu_that_does_not_work_in_the_container(healthy: Recorded, devices: str, cause: str) -> None:
    healthy.said(InsideFacts, **seen(devices))
    verdict = judge(healthy, step_07.test_gpu_works_in_the_container)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def test_of_a_container_without_python_nothing_is_known(healthy: Recorded) -> None:
    lacking = said(err='exec failed: "python3": executable file not found in $PATH\n', exit_status=127)
    healthy.said(InsideFacts, devices=lacking, packages=lacking)
    for check in (step_07.test_gpu_works_in_the_container, step_07.test_packages_are_there):
        verdict = judge(healthy, check)
        assert verdict.outcome is Outcome.UNKNOWN
        assert "no Python ran in the container: exec failed" in str(verdict.cause)


def test_a_workspace_that_was_made_anew(healthy: Recorded) -> None:
    healthy.said(InsideFacts, workspace="2049:66\n2049:77\n")
    verdict = judge(healthy, step_07.test_container_sees_the_workspace)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "another one (2049:66 instead of 2049:77)")


@pytest.mark.parametrize(
    ("host", "outcome", "found"),
    [
        ({"ShmSize": 2**26, "Mounts": None}, Outcome.FAILED, "0.062"),
        ({"ShmSize": 2**33, "Mounts": []}, Outcome.PASSED, None),
    ],
)
def test_shared_memory(healthy: Recorded, host: dict[str, Any], outcome: Outcome, found: str | None) -> None:
    tell(healthy, container(**host))
    verdict = judge(healthy, step_07.test_shared_memory_is_large_enough)
    assert verdict.outcome is outcome
    if found:
        assert (verdict.found, verdict.expected) == (found, "at least 1.0")


def test_a_package_that_the_program_imports_is_missing(healthy: Recorded) -> None:
    healthy.said(InsideFacts, **seen(installed=packages(transformers="", sympy="")))
    verdict = judge(healthy, step_07.test_packages_are_there)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "transformers")
    assert "transformers" in asked_for()


@pytest.mark.parametrize(
    ("brought", "outcome"), [("0.14.0+git", Outcome.FAILED), ("0.16.0", Outcome.PASSED), ("", Outcome.PASSED)]
)
def test_an_older_torchao_of_the_image_keeps_the_program_from_starting(
    healthy: Recorded, brought: str, outcome: Outcome
) -> None:
    healthy.said(InsideFacts, **seen(installed=packages(torchao=brought)))
    verdict = judge(healthy, step_07.test_packages_go_together)
    assert verdict.outcome is outcome
    if outcome is Outcome.FAILED:
        assert (verdict.found, verdict.cause) == (
            "torchao 0.14.0+git, older than 0.16",
            "peft refuses to add an adapter beside it",
        )


def test_another_version_is_worth_a_word_and_torch_is_the_images_own(healthy: Recorded) -> None:
    healthy.said(InsideFacts, **seen(installed=packages(peft="0.1", torch="2.9.0a0+nv25.10")))
    verdict = judge(healthy, step_07.test_packages_are_those_that_were_tried)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, f"peft 0.1 instead of {pinned()['peft']}")
    assert verdict.warning


def test_packages_that_differ_between_nodes(healthy: Recorded) -> None:
    healthy.said(InsideFacts, "spark-2", **seen(installed=packages(torch="2.9.0", sympy="")))
    verdict = judge(healthy, step_07.test_packages_are_the_same)
    assert verdict.outcome is Outcome.FAILED
    versions = pinned()
    assert verdict.found == (
        f"torch: spark-1 {versions['torch']}, spark-2 2.9.0, sympy: spark-1 {versions['sympy']}, spark-2 none"
    )


def test_of_two_packages_with_one_name_the_first_counts(healthy: Recorded) -> None:
    healthy.said(InsideFacts, **seen(installed=packages() + "PEFT 0.1\n"))
    assert judge(healthy, step_07.test_packages_are_those_that_were_tried).warning is None
