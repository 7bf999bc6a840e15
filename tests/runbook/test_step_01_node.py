"""Step 1, machine and SSH, on recorded output: each check fails for its own reason, in words."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cluster.errors import UnknownFact
from cluster.facts.clock import ClockFacts
from cluster.facts.logins import LoginFacts
from cluster.facts.machine import MachineFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.resources import ResourceFacts
from cluster.facts.ssh import SshFacts
from engine.outcome import Verdict
from fixers.ssh import make_key
from reports.outcome import Outcome
from runbook import test_01_node as step_01
from runbook import test_01_ssh as step_01_ssh
from tests.runbook.disks import CACHE, WORKSPACE, disk
from tests.runbook.docker_answers import said
from tests.runbook.recorded import Recorded
from tests.runbook.swarm_answers import links
from workloads.recipe import Recipe, load_recipe

NTP_ON, NTP_OFF, NO_NTP = "CanNTP=yes\nNTP=yes\n", "CanNTP=yes\nNTP=no\n", "CanNTP=no\nNTP=no\n"
MEMORY = "MemTotal:       127535084 kB\nMemAvailable:   {available} kB\n"
OWNED = (
    "750:nvidia:nvidia:/home/nvidia\n700:nvidia:nvidia:/home/nvidia/.ssh\n600:nvidia:nvidia:/home/nvidia/.ssh/id_rsa\n"
)
PORTS = "rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)\n"
TINY = load_recipe("tiny")
LLAMA = load_recipe("llama3-8b-lora")
CHECKS = [
    check
    for module in (step_01, step_01_ssh)
    for name, check in vars(module).items()
    if name.startswith("test_") and "recipe" not in check.__annotations__
]
FROM_CONNECTING = (step_01_ssh.test_user_is_the_same, step_01.test_node_answers_at_once)
WITH_RECIPE = [step_01.test_model_fits_on_the_disk, step_01.test_result_fits_on_the_disk, step_01.test_memory_is_free]


@pytest.fixture
def healthy(recorded: Callable[..., Recorded]) -> Recorded:
    """Two machines that are as they have to be."""
    cluster = recorded()
    for number in (1, 2):
        node = f"spark-{number}"
        cluster.said(MachineFacts, node, hostname=f"{node}\n", machine_id=f"{number}\n")
        cluster.said(SshFacts, node, private_keys=f"{str(number) * 64}  /home/nvidia/.ssh/id_ed25519\n", guarded=OWNED)
        cluster.said(NetworkFacts, node, links=links("enp1s0f1np1", f"192.168.100.{number}"), ports=PORTS)
    cluster.said(MachineFacts, kernel="6.17.0-1014-nvidia\n", os='PRETTY_NAME="Ubuntu 24.04.3 LTS"\n')
    cluster.said(MachineFacts, taint="12288\n", time_service=NTP_ON)
    cluster.said(LoginFacts, logins="192.168.100.9 open\n")
    cluster.said(
        ResourceFacts,
        disks=disk("/") + disk("/var/lib/docker") + disk(CACHE) + disk(WORKSPACE),
        file_server="/dev/nvme0n1p2\n",
        checkpoints="",
        models="",
        available_gb=MEMORY.format(available=110_000_000),
        largest="5000000 python3\n",
        stuck="",
        unified="Model: \t\t NVIDIA GB10\n",
    )
    tell_clock(cluster, "spark-1", 1000.0)
    tell_clock(cluster, "spark-2", 1000.0)
    return cluster


def tell_clock(cluster: Recorded, node: str, now: float, *, took: float = 0.1) -> None:
    """Let a node have told its time when ours was 1000, give or take half of what the answer took."""
    cluster.said(ClockFacts, node, now=f"{now}\n")
    cluster.cluster[node].clock.span = (1000 - took / 2, 1000 + took / 2)


def judge(cluster: Recorded, check: Callable[..., object], **fixtures: Recipe) -> Verdict:
    place = None if "cluster" in check.__annotations__ else "spark-2"
    return cluster.judge(check, place, load=False, asked_for={}, **fixtures)


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_as_it_has_to_be_passes_without_a_word(healthy: Recorded, check: Callable[..., object]) -> None:
    verdict = judge(healthy, check)
    assert (verdict.outcome, verdict.warning, verdict.cause) == (Outcome.PASSED, None, None)


@pytest.mark.parametrize("check", WITH_RECIPE)
def test_what_a_recipe_needs_is_there(healthy: Recorded, check: Callable[..., object]) -> None:
    assert judge(healthy, check, recipe=LLAMA).outcome is Outcome.PASSED


@pytest.mark.parametrize("check", [check for check in CHECKS if check not in FROM_CONNECTING])
def test_what_nobody_told_is_unknown(recorded: Callable[..., Recorded], check: Callable[..., object]) -> None:
    assert judge(recorded(), check).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("check", WITH_RECIPE)
def test_room_that_nobody_told_is_unknown(recorded: Callable[..., Recorded], check: Callable[..., object]) -> None:
    assert judge(recorded(), check, recipe=TINY).outcome is Outcome.UNKNOWN


def test_two_nodes_with_one_name(healthy: Recorded) -> None:
    healthy.said(MachineFacts, hostname="spark\n")
    verdict = judge(healthy, step_01.test_hostnames_are_distinct)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "spark (spark-1 and spark-2)")
    assert verdict.cause == "the swarm could not tell their tasks apart"


@pytest.mark.parametrize(
    ("check", "answer", "found"),
    [
        (step_01.test_machine_ids_are_distinct, {"machine_id": "1\n"}, "1 (spark-1 and spark-2)"),
        (
            step_01.test_kernels_are_the_same,
            {"kernel": "7.0.0-1019-nvidia\n"},
            "spark-1: 6.17.0-1014-nvidia; spark-2: 7.0.0-1019-nvidia",
        ),
        (
            step_01.test_systems_are_the_same,
            {"os": "PRETTY_NAME=Debian\n"},
            "spark-1: Ubuntu 24.04.3 LTS; spark-2: Debian",
        ),
        (step_01.test_kernel_is_sound, {"taint": str(2**7 + 2**12)}, "the kernel had an oops"),
    ],
)
def test_what_is_worth_a_word(
    healthy: Recorded, check: Callable[..., object], answer: dict[str, str], found: str
) -> None:
    healthy.said(MachineFacts, "spark-2", **answer)
    verdict = judge(healthy, check)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, found)
    assert verdict.warning
    assert verdict.remedy


@pytest.mark.parametrize(
    ("now", "took", "outcome"),
    [
        (1000.3, 0.1, Outcome.PASSED),
        (1000.7, 0.1, Outcome.FAILED),
        (999.2, 0.1, Outcome.FAILED),
        (1000.5, 0.1, Outcome.UNKNOWN),
        (1000.0, 3.0, Outcome.UNKNOWN),
        (1009.0, 3.0, Outcome.FAILED),
    ],
)
def test_clocks_are_judged_only_where_the_answers_were_quick_enough(
    healthy: Recorded, monkeypatch: pytest.MonkeyPatch, now: float, took: float, outcome: Outcome
) -> None:
    monkeypatch.setattr("cluster.node.Node.forget_about", lambda *_: None)
    tell_clock(healthy, "spark-2", now, took=took)
    assert judge(healthy, step_01.test_clocks_agree).outcome is outcome


def test_one_node_has_nobody_to_agree_with(recorded: Callable[..., Recorded]) -> None:
    assert recorded(size=1).judge(step_01.test_clocks_agree).outcome is Outcome.SKIPPED


@pytest.mark.parametrize(
    ("service", "cause", "change"),
    [
        (
            NTP_OFF,
            "no time service runs on spark-2: certificates are not valid yet where a clock is behind",
            "spark-2$ sudo timedatectl set-ntp true",
        ),
        (
            NO_NTP,
            "no time service runs on spark-2: certificates are not valid yet where a clock is behind",
            "install a time service on spark-2: sudo apt-get install systemd-timesyncd",
        ),
        (
            NTP_ON,
            "a time service is on everywhere, and has not brought the clocks together: does it reach its servers?",
            None,
        ),
    ],
)
def test_a_clock_that_is_off_is_mended_by_a_time_service(
    healthy: Recorded, service: str, cause: str, change: str | None
) -> None:
    tell_clock(healthy, "spark-2", 1005.0)
    healthy.said(MachineFacts, "spark-2", time_service=service)
    verdict = judge(healthy, step_01.test_clocks_agree)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, cause)
    assert [told.describe.startswith(change or "") for told in verdict.changes] == ([True] if change else [])


def test_a_machine_without_timedatectl_has_no_time_service(healthy: Recorded) -> None:
    healthy.said(MachineFacts, time_service=said(err="sh: timedatectl: not found\n", exit_status=127))
    assert healthy.cluster.manager.machine.time_service == "missing"


def test_memory_that_somebody_holds(healthy: Recorded) -> None:
    healthy.said(ResourceFacts, available_gb=MEMORY.format(available=8_000_000), largest="90000000 vllm serve\n")
    verdict = judge(healthy, step_01.test_memory_is_free, recipe=LLAMA)
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "8.2")
    assert verdict.cause == "training would run out of memory; vllm serve holds 92.2 GB"


def test_memory_of_a_gpu_is_not_that_of_the_machine(healthy: Recorded) -> None:
    healthy.said(ResourceFacts, unified="Model: \t\t NVIDIA H100 80GB HBM3\n")
    assert judge(healthy, step_01.test_memory_is_free, recipe=LLAMA).outcome is Outcome.SKIPPED


def test_a_process_that_is_stuck_is_worth_a_word(healthy: Recorded) -> None:
    healthy.said(ResourceFacts, stuck="4711 nvidia-smi\n")
    verdict = judge(healthy, step_01.test_no_process_is_stuck)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, "4711 nvidia-smi")
    assert verdict.warning


def test_users_that_differ_are_worth_a_word(healthy: Recorded) -> None:
    node = healthy.cluster["spark-2"]
    node._login = replace(node.login, user="alice")
    verdict = judge(healthy, step_01_ssh.test_user_is_the_same)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, "spark-1: nvidia; spark-2: alice")
    assert verdict.warning


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("644:nvidia:nvidia:/home/nvidia/.ssh/id_ed25519\n", "chmod go-rwx /home/nvidia/.ssh/id_ed25519"),
        ("777:nvidia:nvidia:/home/nvidia\n", "chmod go-w /home/nvidia"),
        ("775:nvidia:staff:/home/nvidia/.ssh\n", "chmod go-w /home/nvidia/.ssh"),
        ("775:nvidia:nvidia:/home/nvidia\n", None),
        ("644:nvidia:nvidia:/home/nvidia/.ssh/authorized_keys\n", None),
        ("750:alice:domain users:/home/alice smith\n", None),
        ("775:alice:domain users:/home/alice smith\n", "chmod go-w '/home/alice smith'"),
    ],
)
def test_a_file_of_ssh_that_is_open_to_others(healthy: Recorded, line: str, change: str | None) -> None:
    healthy.said(SshFacts, guarded=line)
    verdict = judge(healthy, step_01_ssh.test_keys_are_closed_to_others)
    assert verdict.outcome is (Outcome.FAILED if change else Outcome.PASSED)
    assert [told.describe for told in verdict.changes] == ([f"spark-2$ sudo {change}"] if change else [])


def test_one_private_key_on_all_nodes_is_worth_a_word_and_is_not_told(healthy: Recorded) -> None:
    healthy.said(SshFacts, private_keys=f"{'ab' * 32}  /home/nvidia/.ssh/id_ed25519_shared\n")
    verdict = judge(healthy, step_01_ssh.test_every_node_has_its_own_key)
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, "abababababab... (spark-1 and spark-2)")
    assert verdict.warning == "one private key is on several nodes: whoever gets one node has them all"


PRIVATE = "600:nvidia:nvidia:/home/nvidia/.ssh/id_ed25519\n"
REFUSED = "192.168.100.1 nvidia@192.168.100.1: Permission denied (publickey).\n"


def test_a_peer_that_has_our_key_and_refuses_it(healthy: Recorded) -> None:
    healthy.said(SshFacts, "spark-2", public_key="ssh-ed25519 AAAA2 nvidia@spark-2\n", guarded=PRIVATE)
    healthy.said(SshFacts, "spark-1", authorized='from="192.168.0.0/16" ssh-ed25519 AAAA2 somebody\n')
    healthy.said(LoginFacts, "spark-2", logins=REFUSED)
    verdict = judge(healthy, step_01_ssh.test_nodes_log_in_to_each_other)
    assert str(verdict.cause).startswith("the peer has this node's key in its authorized_keys and refuses it")
    healthy.said(SshFacts, "spark-2", guarded=OWNED)
    verdict = judge(healthy, step_01_ssh.test_nodes_log_in_to_each_other)
    assert str(verdict.cause).startswith("this node has ~/.ssh/id_ed25519.pub without its private half")


@pytest.mark.parametrize("said", ["ssh-ed25519\nAAAA2 nvidia@spark-2\n", "-----BEGIN OPENSSH PRIVATE KEY-----\n"])
def test_a_public_key_that_is_none_is_told_and_not_handed_out(healthy: Recorded, said: str) -> None:
    healthy.said(SshFacts, "spark-2", public_key=said, guarded=PRIVATE)
    healthy.said(SshFacts, authorized="ssh-ed25519 AAAA1 nvidia@spark-1\n")
    healthy.said(LoginFacts, "spark-2", logins=REFUSED)
    verdict = judge(healthy, step_01_ssh.test_nodes_log_in_to_each_other)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "on spark-2: no line of it is a public key" in str(verdict.cause)
    with pytest.raises(UnknownFact, match="no line of it is a public key"):
        list(make_key(healthy.cluster["spark-2"]))
    healthy.said(SshFacts, "spark-2", public_key="ssh-ed25519 AAAA2\nnvidia@spark-2\n")
    verdict = judge(healthy, step_01_ssh.test_nodes_log_in_to_each_other)
    assert verdict.cause == "the peer does not know this node's key (192.168.100.1)"


@pytest.mark.parametrize(
    ("said_by_ssh", "cause"),
    [
        ("nvidia@192.168.100.1: Permission denied (publickey,password).", "the peer does not know this node's key"),
        ("Host key verification failed.", "this node does not know the peer's host key, or knows another"),
        ("ssh: connect to host 192.168.100.1 port 22: Connection refused", "no sshd listens on the peer's fabric"),
        ("ssh: connect to host 192.168.100.1 port 22: Connection timed out", "nothing answers there: a firewall"),
        ("ssh ended with 255 and said nothing", "the peer ends the connection without a word"),
        ("it answered, and fell silent", "it answered, and fell silent"),
        ("kex_exchange_identification: Connection closed", "kex_exchange_identification: Connection closed"),
    ],
)
def test_a_peer_that_does_not_let_us_in(healthy: Recorded, said_by_ssh: str, cause: str) -> None:
    healthy.said(SshFacts, authorized="", public_key="")
    healthy.said(LoginFacts, logins=f"192.168.100.1 {said_by_ssh}\n192.168.101.1 open\n")
    verdict = judge(healthy, step_01_ssh.test_nodes_log_in_to_each_other)
    assert verdict.outcome is Outcome.FAILED
    assert str(verdict.cause).startswith(cause)
    assert str(verdict.cause).endswith("(192.168.100.1)")
