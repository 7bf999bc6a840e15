"""Steps 3 and 4, docker's side of it, on recorded output: each check fails for its own reason, in words."""

import json
from collections.abc import Callable

import pytest

from cluster.facts.daemon import DaemonFacts
from cluster.facts.docker import DockerFacts
from cluster.facts.gpu import GpuFacts
from cluster.facts.toolkit import ToolkitFacts
from engine.files import FileState
from engine.outcome import Verdict
from fixers import daemon
from reports.outcome import Outcome
from runbook import test_03_toolkit as step_03
from runbook import test_04_gpu_advertising as advertising
from tests.gpu_answers import smi_of_sparks
from tests.runbook.docker_answers import info, said, settings
from tests.runbook.recorded import Recorded

OURS, THEIRS, NOBODYS = (f"GPU-{number}e69daeb-45de-2588-13c3-3f623ae44eaa" for number in range(3))
CONFIG = 'swarm-resource = "DOCKER_RESOURCE_NVIDIA_GPU"\n[nvidia-container-runtime]\nmode = "auto"\n'
DAEMON_CHECKS = [
    advertising.test_daemon_offers_own_gpu,
    advertising.test_nvidia_is_the_default_runtime,
    advertising.test_swarm_resource_matches,
    advertising.test_docker_has_taken_it_up,
]
CHECKS = [check for name, check in vars(step_03).items() if name.startswith("test_")] + DAEMON_CHECKS


def in_force(uuid: str, path: str = "nvidia-container-runtime") -> str:
    resources = [{"NamedResourceSpec": {"Kind": "NVIDIA_GPU", "Value": uuid}}]
    return info(Runtimes={"nvidia": {"path": path}}, DefaultRuntime="nvidia", GenericResources=resources)


@pytest.fixture
def healthy(recorded: Callable[..., Recorded]) -> Recorded:
    """Toolkit, daemon.json and docker as they have to be."""
    cluster = recorded()
    version = "NVIDIA Container Toolkit CLI version 1.20.1\ncommit: dffc40b4\n"
    runtime = "/usr/bin/nvidia-container-runtime\n"
    cluster.said(ToolkitFacts, version=version, runtime=runtime, settings=CONFIG, fault=CONFIG)
    cluster.said(DaemonFacts, runtime_programs="nvidia-container-runtime\n")
    for node, uuid in (("spark-1", THEIRS), ("spark-2", OURS)):
        cluster.said(GpuFacts, node, smi=smi_of_sparks(uuid))
        cluster.said(DockerFacts, node, settings=settings(uuid), engine=in_force(uuid))
    return cluster


def judge(cluster: Recorded, check: Callable[..., object]) -> Verdict:
    return cluster.judge(check, None if "cluster" in check.__annotations__ else "spark-2")


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_as_it_has_to_be_passes_without_a_word(healthy: Recorded, check: Callable[..., object]) -> None:
    verdict = judge(healthy, check)
    assert (verdict.outcome, verdict.warning, verdict.cause) == (Outcome.PASSED, None, None)


@pytest.mark.parametrize("check", DAEMON_CHECKS)
def test_what_nobody_told_is_unknown(recorded: Callable[..., Recorded], check: Callable[..., object]) -> None:
    assert judge(recorded(), check).outcome is Outcome.UNKNOWN


def test_no_toolkit(healthy: Recorded) -> None:
    healthy.said(ToolkitFacts, runtime="")
    verdict = judge(healthy, step_03.test_runtime_is_installed)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.cause == "nvidia-container-runtime is not on the path: the toolkit is not installed"


def test_an_old_toolkit(healthy: Recorded) -> None:
    healthy.said(ToolkitFacts, "spark-2", version="NVIDIA Container Toolkit CLI version 1.18.2\n")
    verdict = judge(healthy, step_03.test_toolkit_is_new_enough)
    assert (verdict.outcome, verdict.found, verdict.expected) == (Outcome.FAILED, "1.18.2", "at least 1.19")
    other = judge(healthy, step_03.test_toolkit_is_the_same)
    assert (other.outcome, other.found) == (Outcome.BLOCKED, None)


POLICY = "nvidia-container-toolkit:\n  Installed: {installed}\n  Candidate: {candidate}\n  Version table:\n"


@pytest.mark.parametrize(
    ("installed", "candidate", "change"),
    [
        (
            "(none)",
            "1.20.1-1",
            "spark-2$ sudo DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120 install nvidia",
        ),
        (
            "1.18.0-1",
            "1.20.1-1",
            "spark-2$ sudo DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120 install nvidia",
        ),
        (
            "1.18.0-1",
            "1.18.2-1",
            "on spark-2 set up NVIDIA's package source as its installation guide for the container ",
        ),
        ("(none)", "(none)", "on spark-2 set up NVIDIA's package source as its installation guide for the container "),
    ],
)
def test_a_toolkit_is_installed_when_asked_and_where_apt_has_one(
    healthy: Recorded, installed: str, candidate: str, change: str
) -> None:
    healthy.said(ToolkitFacts, runtime="", package=POLICY.format(installed=installed, candidate=candidate))
    verdict = judge(healthy, step_03.test_runtime_is_installed)
    assert [told.describe.startswith(change) for told in verdict.changes] == [True]
    asks = change.startswith("spark-2$")
    assert ("--allow install-toolkit" in str(verdict.remedy)) is asks


def test_toolkits_that_differ_are_worth_a_word(healthy: Recorded) -> None:
    healthy.said(ToolkitFacts, "spark-2", version="NVIDIA Container Toolkit CLI version 1.19.0\n")
    verdict = judge(healthy, step_03.test_toolkit_is_the_same)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, "spark-1: 1.20.1; spark-2: 1.19.0")
    assert verdict.warning


def test_a_broken_config_toml_is_told_with_its_place(healthy: Recorded) -> None:
    healthy.said(ToolkitFacts, fault='mode = "auto\n')
    verdict = judge(healthy, step_03.test_toolkit_settings_are_valid)
    assert verdict.outcome is Outcome.FAILED
    assert "line 1" in str(verdict.found)


def test_a_mode_for_another_machine(healthy: Recorded) -> None:
    healthy.said(ToolkitFacts, settings=CONFIG.replace("auto", "csv"))
    verdict = judge(healthy, step_03.test_toolkit_mode_is_for_this_machine)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "csv")
    assert "csv is for Jetson" in str(verdict.cause)


def test_a_mode_that_is_not_set_is_auto(healthy: Recorded) -> None:
    healthy.said(ToolkitFacts, settings="")
    assert judge(healthy, step_03.test_toolkit_mode_is_for_this_machine).outcome is Outcome.PASSED


def test_a_runtime_that_is_not_registered(healthy: Recorded) -> None:
    healthy.said(DockerFacts, settings='{"runtimes": {"sysbox": {"path": "sysbox-runc"}}}')
    verdict = judge(healthy, step_03.test_runtime_is_registered)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.cause == (
        "daemon.json registers no runtime nvidia; it registers sysbox: docker would say `unknown or invalid runtime "
        "name: nvidia`"
    )


def test_a_runtime_that_is_not_registered_yet_has_no_program(healthy: Recorded) -> None:
    healthy.said(DockerFacts, "spark-2", settings="{}")
    verdict = judge(healthy, step_03.test_registered_runtime_is_there)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, "none is registered yet")


def test_a_runtime_whose_program_is_gone(healthy: Recorded) -> None:
    healthy.said(DockerFacts, "spark-2", settings=settings(OURS, path="/opt/old/nvidia-container-runtime"))
    verdict = judge(healthy, step_03.test_registered_runtime_is_there)
    assert (verdict.outcome, verdict.expected) == (Outcome.FAILED, "/opt/old/nvidia-container-runtime among them")
    assert verdict.cause == "no such program: every container fails to start"


@pytest.mark.parametrize(
    ("offers", "cause"),
    [
        ((), "daemon.json offers no NVIDIA_GPU: the swarm cannot hand out this node's GPU"),
        ((THEIRS,), "daemon.json offers the GPU of spark-1: the file was copied from there"),
        (
            (NOBODYS,),
            f"daemon.json offers {NOBODYS}, which no node has: sample text, or a GPU that was replaced",
        ),
        ((OURS, OURS), "daemon.json does not offer every GPU of this node once: one GPU twice"),
    ],
)
def test_an_offer_that_is_not_the_nodes_own_gpu(healthy: Recorded, offers: tuple[str, ...], cause: str) -> None:
    healthy.said(DockerFacts, "spark-2", settings=settings(*offers))
    verdict = judge(healthy, advertising.test_daemon_offers_own_gpu)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def test_the_order_of_offers_means_nothing(healthy: Recorded) -> None:
    healthy.said(GpuFacts, "spark-2", smi=smi_of_sparks(OURS, NOBODYS))
    for offers in ((OURS, NOBODYS), (NOBODYS, OURS)):
        told = json.loads(settings(*offers))
        told["node-generic-resources"].append("FPGA=x")
        healthy.said(DockerFacts, "spark-2", settings=json.dumps(told))
        assert judge(healthy, advertising.test_daemon_offers_own_gpu).outcome is Outcome.PASSED


def test_one_gpu_of_two_is_not_offered(healthy: Recorded) -> None:
    healthy.said(GpuFacts, "spark-2", smi=smi_of_sparks(OURS, NOBODYS))
    verdict = judge(healthy, advertising.test_daemon_offers_own_gpu)
    assert verdict.cause == f"daemon.json does not offer every GPU of this node once: NVIDIA_GPU={NOBODYS}"


def test_another_default_runtime(healthy: Recorded) -> None:
    healthy.said(DockerFacts, "spark-2", settings="{}")
    verdict = judge(healthy, advertising.test_nvidia_is_the_default_runtime)
    assert (verdict.outcome, verdict.found, verdict.expected) == (Outcome.FAILED, "runc", "nvidia")


@pytest.mark.parametrize(
    ("config", "cause"),
    [
        (
            "",
            "swarm-resource is commented out: the runtime hands every GPU to everybody, whatever swarm assigns",
        ),
        (
            'swarm-resource = "DOCKER_RESOURCE_GPU"\n',
            "swarm sets DOCKER_RESOURCE_NVIDIA_GPU, the runtime looks for DOCKER_RESOURCE_GPU: what swarm "
            "assigns is not heeded",
        ),
    ],
)
def test_a_swarm_resource_that_is_not_heeded(healthy: Recorded, config: str, cause: str) -> None:
    healthy.said(ToolkitFacts, settings=config)
    verdict = judge(healthy, advertising.test_swarm_resource_matches)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def test_a_runtime_that_looks_for_several_variables_heeds_swarms(healthy: Recorded) -> None:
    healthy.said(ToolkitFacts, settings='swarm-resource = "DOCKER_RESOURCE_GPU, DOCKER_RESOURCE_NVIDIA_GPU"\n')
    assert judge(healthy, advertising.test_swarm_resource_matches).outcome is Outcome.PASSED


def test_docker_that_still_starts_another_runtime(healthy: Recorded) -> None:
    healthy.said(DockerFacts, "spark-2", engine=in_force(OURS, path="/opt/old/nvidia-container-runtime"))
    verdict = judge(healthy, advertising.test_docker_has_taken_it_up)
    assert (verdict.outcome, verdict.cause) == (
        Outcome.FAILED,
        "docker was not restarted since daemon.json was written: it still has the old nvidia runtime",
    )


def test_docker_that_was_not_restarted(healthy: Recorded) -> None:
    healthy.said(DockerFacts, "spark-2", engine=in_force(NOBODYS))
    verdict = judge(healthy, advertising.test_docker_has_taken_it_up)
    assert (verdict.outcome, verdict.cause) == (
        Outcome.FAILED,
        "docker was not restarted since daemon.json was written: it still has the old offers",
    )


def test_a_docker_that_does_not_answer_is_unknown(healthy: Recorded) -> None:
    healthy.said(DockerFacts, engine=said(err="Cannot connect to the Docker daemon\n", exit_status=1))
    assert judge(healthy, advertising.test_docker_has_taken_it_up).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("flag", "check", "told"),
    [
        (
            f"--node-generic-resource=NVIDIA_GPU={OURS}",
            advertising.test_daemon_offers_own_gpu,
            "--node-generic-resource",
        ),
        ("--default-runtime=nvidia", advertising.test_nvidia_is_the_default_runtime, "--default-runtime"),
    ],
)
def test_what_stands_in_the_unit_is_not_written_into_daemon_json_as_well(
    healthy: Recorded, monkeypatch: pytest.MonkeyPatch, flag: str, check: Callable[..., object], told: str
) -> None:
    monkeypatch.setattr(daemon, "read_file", lambda *_, **__: FileState())
    shown = "ExecStart={{ path=/usr/bin/dockerd ; argv[]=/usr/bin/dockerd -H fd:// {} ; pid=1 ; }}\nby /etc/x.conf\n"
    healthy.said(DockerFacts, "spark-2", settings='{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}}')
    healthy.said(DaemonFacts, flags=shown.format(""), started_by=shown.format(""))
    (written,) = judge(healthy, check).changes
    assert written.risk == "safe"
    healthy.said(DaemonFacts, flags=shown.format(flag), started_by=shown.format(flag))
    verdict = judge(healthy, check)
    assert [change.risk for change in verdict.changes] == ["human"]
    assert verdict.remedy == (
        f"take {told} out of dockerd's command line on spark-2 (in /etc/x.conf), since docker does not start with it "
        "there and in daemon.json; then `sudo systemctl daemon-reload`, and run again"
    )
