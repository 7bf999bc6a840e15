"""The whole path, in order: bare, plan, fix, check, fix again, reboot, undo."""

import pytest
import testinfra

from tests.e2e.lab import Lab, Result, gives_back, has_nothing_to_do, told

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def before(lab: Lab) -> set[str]:
    lab.do("restore", "bare")
    return lab.states()


@pytest.fixture(scope="module")
def planned(lab: Lab, before: set[str]) -> Result:
    del before  # the state is taken first
    return lab.runbook("--plan")


@pytest.fixture(scope="module")
def fixed(lab: Lab, planned: Result) -> Result:
    del planned  # the plan comes first
    return lab.runbook("--fix")


@pytest.fixture(scope="module")
def host(lab: Lab, fixed: Result) -> testinfra.host.Host:
    """Testinfra over ssh: a witness that shares no code with our facts."""
    del fixed
    inventory = lab.do("inventory")
    address = next(line.split()[-1] for line in inventory.splitlines() if "address:" in line)
    key = next(line.split()[-1] for line in inventory.splitlines() if "key:" in line)
    known = next(line.split()[-1] for line in inventory.splitlines() if "known_hosts:" in line)
    return testinfra.get_host(
        f"ssh://nvidia@{address}", ssh_identity_file=key, ssh_extra_args=f"-o UserKnownHostsFile={known}", sudo=True
    )


def test_plan_says_what_it_would_do(planned: Result) -> None:
    assert planned.exit == 1
    assert planned.outcomes("swarm.joined") == {"blocked", "would_fix"}, "the manager is in by beginning it"
    assert any("+++ spark-1:/etc/docker/daemon.json" in change for change in planned.changes)
    assert any("docker swarm init --advertise-addr 192.168.100.1" in change for change in planned.changes)
    assert any("systemctl restart docker.service" in change for change in planned.changes)


def test_plan_judges_nothing_that_it_cannot(planned: Result) -> None:
    assert planned.with_outcome("failed", "fix_failed", "unknown") == []


def test_plan_changes_nothing(lab: Lab, before: set[str], planned: Result) -> None:
    del planned
    assert lab.states() ^ before == set()


def test_fix_ends_ready(fixed: Result) -> None:
    assert fixed.exit == 0, told(fixed)
    assert fixed.report["run"]["ready"] is True
    assert "READY" in fixed.screen


def test_fix_trained_on_both_nodes(fixed: Result) -> None:
    training = fixed.report["training"]
    assert training["world_size"] == 2
    assert {rank["node"] for rank in training["ranks"]} == {"spark-1", "spark-2"}
    assert len({rank["weights_sha256"] for rank in training["ranks"]}) == 1
    assert training["steps"][-1]["loss"] < training["steps"][0]["loss"]


def test_fix_did_what_was_planned(planned: Result, fixed: Result) -> None:
    """Everything planned was done; the key that ssh-keygen made is the one thing that a plan cannot know."""
    done = set(fixed.changes)
    open_points = [change for change in planned.changes if change not in done and "ssh-keygen makes" not in change]
    assert open_points == []


def test_report_says_what_is_simulated(fixed: Result) -> None:
    assert any("GPU" in part for part in fixed.report["run"]["simulated"])


def test_witness_sees_the_user_in_the_group(host: testinfra.host.Host) -> None:
    assert "docker" in host.user("nvidia").groups


def test_witness_sees_netplan_private(host: testinfra.host.Host) -> None:
    assert host.file("/etc/netplan/60-spark-runbook.yaml").mode == 0o600


def test_witness_sees_both_fabric_addresses(host: testinfra.host.Host) -> None:
    assert "192.168.100.1" in host.interface("enp1s0f1np1").addresses
    assert "192.168.101.1" in host.interface("enP2p1s0f1np1").addresses


def test_witness_sees_docker_running_and_enabled(host: testinfra.host.Host) -> None:
    assert host.service("docker").is_running
    assert host.service("docker").is_enabled


def test_check_passes_and_changes_nothing(lab: Lab, fixed: Result) -> None:
    del fixed
    state = lab.states()
    checked = lab.runbook()
    assert checked.exit == 0, told(checked)
    assert checked.with_outcome("passed", "skipped") == checked.with_outcome(
        "passed", "skipped", "fixed", "failed", "would_fix", "fix_failed", "blocked", "unknown"
    )
    assert lab.states() ^ state == set()


def test_second_fix_has_nothing_to_do(lab: Lab, fixed: Result) -> None:
    del fixed
    assert has_nothing_to_do(lab).report["undo"] is None


def test_cluster_survives_a_reboot(lab: Lab, fixed: Result) -> None:
    del fixed
    for node in ("spark-1", "spark-2"):
        lab.do("power", node, "off")
    for node in ("spark-1", "spark-2"):
        lab.do("power", node, "on")
    has_nothing_to_do(lab)


def test_undo_gives_everything_back(lab: Lab, before: set[str], fixed: Result) -> None:
    gives_back(lab, fixed, before)
