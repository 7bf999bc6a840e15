"""Step 2 on recorded output: each check fails for its own reason, in words."""

from collections.abc import Callable

import pytest

from cluster.facts.base import Reading
from cluster.facts.daemon import DaemonFacts
from cluster.facts.docker import DockerFacts
from cluster.facts.network import NetworkFacts
from engine.outcome import Verdict
from reports.outcome import Outcome
from runbook import test_02_docker as step_02
from tests.runbook.docker_answers import info, said
from tests.runbook.recorded import Recorded

LINKS = """[{"ifname": "enp1s0f1np1", "operstate": "UP", "mtu": 1500,
  "addr_info": [{"family": "inet", "local": "192.168.100.2", "prefixlen": 24}]}]"""
STATE = (
    '{{"LocalAddr":"","RemoteAddr":"192.168.100.1:2377","ListenAddr":"{listen}","AdvertiseAddr":"{advertise}:2377"}}'
)
EXEC_START = "{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// --containerd=/run/x.sock $OPTS ; pid=1 ; }\n"
LOG = """\
time="2026-11-23T22:11:20.1Z" level=info msg="Starting up"
time="2026-11-23T22:11:22.5Z" level=fatal msg="Error starting cluster component: could not find local IP address: \
dial udp 192.168.100.1:2377: connect: network is unreachable"
"""


@pytest.fixture
def healthy(recorded: Callable[..., Recorded]) -> Recorded:
    """Docker as it has to be."""
    cluster = recorded()
    cluster.said(
        DockerFacts,
        active="active\n", units="enabled\n" * 3, wanted="yes\n", program="/usr/bin/dockerd\n",
        groups="nvidia docker\n", session_groups="nvidia docker\n",
        usable="28.3.3\n", engine=info(), settings="",
    )  # fmt: skip
    cluster.said(
        DaemonFacts,
        version="Docker version 28.3.3, build 980b856\n",
        json_fault="",
        refusal="",
        flags=EXEC_START,
        last_words="",
        swarm_state="",
    )
    cluster.said(NetworkFacts, links=LINKS)
    return cluster


CHECKS = [check for name, check in vars(step_02).items() if name.startswith("test_")]


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_as_it_has_to_be_passes_without_a_word(healthy: Recorded, check: Callable[..., object]) -> None:
    verdict = judge(healthy, check)
    assert (verdict.outcome, verdict.warning, verdict.cause) == (Outcome.PASSED, None, None)


def judge(cluster: Recorded, check: Callable[..., object]) -> Verdict:
    return cluster.judge(check, None if "cluster" in check.__annotations__ else "spark-2")


def test_no_docker(healthy: Recorded) -> None:
    healthy.said(DockerFacts, program="")
    verdict = judge(healthy, step_02.test_docker_is_installed)
    assert (verdict.outcome, verdict.cause) == (
        Outcome.FAILED,
        "dockerd is not on the path: there is no docker engine on this machine",
    )


def test_an_old_docker(healthy: Recorded) -> None:
    healthy.said(DaemonFacts, version="Docker version 19.03.13, build 4484c46d9d\n")
    verdict = judge(healthy, step_02.test_docker_is_new_enough)
    assert (verdict.outcome, verdict.found, verdict.expected) == (Outcome.FAILED, "19.3.13", "at least 20.10")


def test_another_docker_on_one_node_is_worth_a_word(healthy: Recorded) -> None:
    healthy.said(DaemonFacts, "spark-2", version="Docker version 29.6.1, build 1\n")
    verdict = judge(healthy, step_02.test_docker_is_the_same)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, "spark-1: 28.3.3; spark-2: 29.6.1")
    assert verdict.warning == "a swarm of mixed versions is asking for trouble"


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        (
            {"json_fault": '{\n  "runtimes": {},\n  "hosts": }\n'},
            "daemon.json is no JSON at line 3, column 12: Expecting value; docker does not start with it",
        ),
        (
            {
                "refusal": said(
                    err="unable to configure the Docker daemon with file /etc/docker/daemon.json: the following "
                    "directives don't match any configuration option: nope\n",
                    exit_status=1,
                )
            },
            "daemon.json is refused: the following directives don't match any configuration option: nope; docker does "
            "not start with it",
        ),
    ],
)
def test_settings_that_docker_refuses(healthy: Recorded, told: dict[str, str | Reading], cause: str) -> None:
    healthy.said(DaemonFacts, None, **told)
    verdict = judge(healthy, step_02.test_settings_are_valid)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


def test_a_docker_that_cannot_validate_is_not_held_against_its_settings(healthy: Recorded) -> None:
    healthy.said(DaemonFacts, refusal=said(err="unknown flag: --validate\nSee 'dockerd --help'.\n", exit_status=125))
    assert judge(healthy, step_02.test_settings_are_valid).outcome is Outcome.PASSED


def test_what_is_set_twice(healthy: Recorded) -> None:
    healthy.said(DockerFacts, settings='{"hosts": ["fd://"]}')
    verdict = judge(healthy, step_02.test_nothing_is_set_twice)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "hosts")
    assert str(verdict.cause).startswith("hosts stands in daemon.json and on dockerd's command line")
    healthy.said(DaemonFacts, json_fault="{")
    assert judge(healthy, step_02.test_nothing_is_set_twice).outcome is Outcome.UNKNOWN


FLAGS = [
    ("--node-generic-resource=NVIDIA_GPU=GPU-1", "node-generic-resources", '["NVIDIA_GPU=GPU-1"]'),
    ("--registry-mirror https://m", "registry-mirrors", '["https://m"]'),
    ("--insecure-registry=m:5000", "insecure-registries", '["m:5000"]'),
    ("--label=a=b", "labels", '["a=b"]'),
    ("--exec-opt native.cgroupdriver=systemd", "exec-opts", '["native.cgroupdriver=systemd"]'),
    ("--default-address-pool base=10.0.0.0/8,size=24", "default-address-pools", "[]"),
    ("-D", "debug", "true"),
]


@pytest.mark.parametrize(("flag", "name", "value"), FLAGS)
def test_what_a_flag_of_another_name_sets_twice(healthy: Recorded, flag: str, name: str, value: str) -> None:
    healthy.said(DaemonFacts, flags=EXEC_START.replace("$OPTS", flag))
    assert judge(healthy, step_02.test_nothing_is_set_twice).outcome is Outcome.PASSED
    healthy.said(DockerFacts, settings=f'{{"{name}": {value}}}')
    verdict = judge(healthy, step_02.test_nothing_is_set_twice)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, name)


def test_runtimes_may_be_registered_in_both_places_since_dockerd_merges_them(healthy: Recorded) -> None:
    healthy.said(
        DaemonFacts, flags=EXEC_START.replace("$OPTS", "--add-runtime=nvidia=/usr/bin/nvidia-container-runtime")
    )
    healthy.said(DockerFacts, settings='{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}}')
    assert judge(healthy, step_02.test_nothing_is_set_twice).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (STATE.format(listen="0.0.0.0:2377", advertise="192.168.100.2"), None),
        (STATE.format(listen="0.0.0.0:2377", advertise="10.9.9.9"), "10.9.9.9"),
        (STATE.format(listen="10.8.8.8:2377", advertise="192.168.100.2"), "10.8.8.8"),
        (STATE.format(listen="[::]:2377", advertise="[fd00::1]"), None),
    ],
)
def test_an_address_of_the_swarm_that_went_away(healthy: Recorded, state: str, found: str | None) -> None:
    healthy.said(DaemonFacts, swarm_state=state)
    verdict = judge(healthy, step_02.test_addresses_of_the_swarm_are_there)
    assert verdict.outcome is (Outcome.FAILED if found else Outcome.PASSED)
    assert verdict.found == found


def test_a_masked_socket(healthy: Recorded) -> None:
    healthy.said(DockerFacts, units=said("enabled\nmasked\nenabled\n"))
    verdict = judge(healthy, step_02.test_socket_is_not_masked)
    assert (verdict.outcome, verdict.remedy) == (Outcome.FAILED, "pytest runbook --fix")
    assert [change.describe for change in verdict.changes] == ["spark-2$ sudo systemctl unmask docker.socket"]


def test_no_socket_unit_is_no_masked_one(healthy: Recorded) -> None:
    words = "Failed to get unit file state for docker.socket: No such file or directory\n"
    healthy.said(DockerFacts, units=said("enabled\nenabled\n", err=words))
    assert judge(healthy, step_02.test_socket_is_not_masked).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("state", "cause", "changes"),
    [
        ("disabled", "docker.service is disabled: after a reboot there would be no docker, and no swarm", 1),
        ("masked", "docker.service is masked: nothing can start it", 2),
        (
            "not-found",
            "systemd knows no docker.service: docker was installed as a snap, rootless, or not as a package",
            1,
        ),
    ],
)
def test_docker_that_does_not_start_at_boot(healthy: Recorded, state: str, cause: str, changes: int) -> None:
    healthy.said(DockerFacts, units=said(f"{state}\nenabled\nenabled\n"), wanted="no\n")
    verdict = judge(healthy, step_02.test_docker_starts_at_boot)
    assert (verdict.outcome, verdict.cause, len(verdict.changes)) == (Outcome.FAILED, cause, changes)


def test_docker_whose_containerd_is_masked(healthy: Recorded) -> None:
    healthy.said(DockerFacts, active=said("failed\n", exit_status=3), units=said("enabled\nenabled\nmasked\n"))
    verdict = judge(healthy, step_02.test_docker_runs)
    assert str(verdict.cause).startswith("containerd.service, which runs docker's containers, is masked")
    assert verdict.changes[0].describe == "spark-2$ sudo systemctl unmask containerd.service"


def test_a_word_too_few_is_no_state_of_a_unit(healthy: Recorded) -> None:
    healthy.said(DockerFacts, units="enabled\n")
    assert judge(healthy, step_02.test_docker_starts_at_boot).outcome is Outcome.UNKNOWN


def test_docker_that_was_enabled_when_it_was_masked_is_unmasked_and_no_more(healthy: Recorded) -> None:
    healthy.said(DockerFacts, units=said("masked\nenabled\nenabled\n"), wanted="yes\n")
    verdict = healthy.judge(step_02.test_docker_starts_at_boot, "spark-2")
    assert [change.describe for change in verdict.changes] == ["spark-2$ sudo systemctl unmask docker.service"]


@pytest.mark.parametrize(
    ("state", "log", "cause"),
    [
        ("inactive", "", "the service was stopped, or never started since boot"),
        (
            "activating",
            LOG,
            "the service is activating; docker's last words: Error starting cluster component: could not find local IP "
            "address: dial udp 192.168.100.1:2377: connect: network is unreachable",
        ),
        ("failed", "", "the service is failed, and docker's log does not say why"),
    ],
)
def test_docker_that_does_not_run(healthy: Recorded, state: str, log: str, cause: str) -> None:
    healthy.said(DockerFacts, active=said(f"{state}\n", exit_status=3))
    healthy.said(DaemonFacts, last_words=log)
    verdict = judge(healthy, step_02.test_docker_runs)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)


@pytest.mark.parametrize(
    ("groups", "session", "cause", "changes"),
    [
        (
            "nvidia\n",
            "nvidia\n",
            "nvidia is not in the group docker",
            ["spark-2$ sudo gpasswd -a nvidia docker"],
        ),
        (
            "nvidia docker\n",
            "nvidia\n",
            "nvidia is in the group docker, but this session is older than that: a new login knows it",
            ["spark-2$ true"],
        ),
        ("nvidia docker\n", "nvidia docker\n", "nvidia is in the group docker, and still: permission denied", []),
    ],
)
def test_a_user_who_may_not_use_docker(
    healthy: Recorded, groups: str, session: str, cause: str, changes: list[str]
) -> None:
    denied = said(err="permission denied\n", exit_status=1)
    healthy.said(DockerFacts, groups=groups, session_groups=session, usable=denied)
    verdict = judge(healthy, step_02.test_user_may_use_docker)
    assert (verdict.outcome, verdict.cause, verdict.found) == (Outcome.FAILED, cause, "permission denied")
    assert [change.describe for change in verdict.changes] == changes


def test_a_driver_that_copies_every_layer_is_worth_a_word(healthy: Recorded) -> None:
    healthy.said(DockerFacts, engine=info(Driver="vfs"))
    verdict = judge(healthy, step_02.test_storage_driver_is_sound)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, "vfs")
    assert str(verdict.warning).startswith("every layer is copied whole")


def test_live_restore_is_ended_only_when_asked(healthy: Recorded) -> None:
    healthy.said(DockerFacts, engine=info(LiveRestoreEnabled=True))
    verdict = judge(healthy, step_02.test_live_restore_is_off)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.cause == "live-restore is on: docker would refuse a swarm, or to start in one"


def test_live_restore_is_named_before_docker_that_does_not_start_with_it(healthy: Recorded) -> None:
    healthy.said(DockerFacts, active=said("failed\n", exit_status=3), settings='{"live-restore": true}')
    verdict = judge(healthy, step_02.test_live_restore_is_off)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "daemon.json")


def test_live_restore_that_the_unit_switches_on_is_a_persons_to_end(healthy: Recorded) -> None:
    started = (
        EXEC_START.replace("$OPTS", "--live-restore") + "by /lib/docker.service\nby /etc/docker.service.d/x.conf\n"
    )
    healthy.said(DockerFacts, engine=info(LiveRestoreEnabled=True))
    healthy.said(DaemonFacts, flags=started, started_by=started)
    verdict = judge(healthy, step_02.test_live_restore_is_off)
    assert verdict.remedy == (
        "take --live-restore out of dockerd's command line on spark-2 (in /etc/docker.service.d/x.conf), since a swarm "
        "forbids it; then `sudo systemctl daemon-reload`, and run again"
    )
