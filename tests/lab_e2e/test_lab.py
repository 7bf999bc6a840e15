"""The lab does what its commands promise; every test leaves the two nodes running."""

import re
import time
from collections.abc import Callable

import pytest

from tests.lab_e2e.conftest import Lab

pytestmark = pytest.mark.lab

CABLED = "enp1s0f1np1"
NETPLAN = "network: {version: 2, ethernets: {enp1s0f1np1: {addresses: [192.168.100.12/24], optional: true}}}"
WITHHELD = {16: "CAP_SYS_MODULE", 17: "CAP_SYS_RAWIO", 25: "CAP_SYS_TIME"}


def carrier(lab: Lab, node: str, interface: str = CABLED) -> str:
    return lab.sh(node, f"cat /sys/class/net/{interface}/carrier")


def eventually(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def test_the_inventory_leads_to_every_node(lab: Lab) -> None:
    for node in lab.inventory()["nodes"]:
        assert lab.ssh(node["address"], "hostname; sudo -n whoami").split() == [node["name"], "root"]


def test_a_node_is_bare(lab: Lab) -> None:
    assert lab.sh("spark-1", "docker info --format '{{.Swarm.LocalNodeState}} {{.Driver}}'") == "inactive overlay2"
    assert lab.sh("spark-1", "ls /etc/docker/daemon.json 2>/dev/null || echo none") == "none"
    assert "docker" not in lab.sh("spark-1", "id -nG nvidia").split()
    assert lab.sh("spark-1", f"ip -4 -br address show {CABLED}") == ""
    assert lab.sh("spark-1", "systemctl is-system-running") == "running"


def test_two_nodes_have_two_gpus(lab: Lab) -> None:
    uuids = [lab.sh(node, "nvidia-smi --query-gpu=uuid --format=csv,noheader") for node in ("spark-1", "spark-2")]
    assert uuids[0].startswith("GPU-")
    assert uuids[0] != uuids[1]


def test_exec_passes_input_output_and_status_through(lab: Lab) -> None:
    done = lab.command(
        "exec", "spark-2", "--user", "nvidia", "--", "sh", "-c", "tr a-z A-Z; exit 7", feed="quiet", fails=True
    )
    assert (done.stdout, done.returncode) == ("QUIET", 7)


def test_exec_in_a_node_that_is_not_there_says_which_are(lab: Lab) -> None:
    done = lab.command("exec", "spark-9", "--", "true", fails=True)
    assert (done.returncode, done.stderr) == (
        2,
        "lab: There is no node 'spark-9' in this lab; its nodes are spark-1, spark-2.\n",
    )


def test_the_hosts_clock_and_kernel_settings_are_out_of_reach(lab: Lab) -> None:
    for bounds in (lab.sh("spark-1", "grep CapBnd /proc/1/status"), lab.sh("spark-1", "grep CapBnd /proc/self/status")):
        held = int(bounds.split()[1], 16)
        assert [name for bit, name in WITHHELD.items() if held >> bit & 1] == []
    assert lab.sh("spark-1", "test -w /proc/sys/kernel/core_pattern && echo writable || echo not") == "not"


def test_a_pulled_cable_is_dark_at_both_ends_until_it_is_back(lab: Lab) -> None:
    assert (carrier(lab, "spark-1"), carrier(lab, "spark-2")) == ("1", "1")
    lab.command("cut", "spark-1", CABLED)
    assert (carrier(lab, "spark-1"), carrier(lab, "spark-2")) == ("0", "0")
    assert f"{CABLED} (Down)" in lab.sh("spark-2", "ibdev2netdev")
    lab.command("heal", "spark-1", CABLED)
    assert (carrier(lab, "spark-1"), carrier(lab, "spark-2")) == ("1", "1")


def test_a_power_cut_keeps_the_disk_and_forgets_the_rest(lab: Lab) -> None:
    lab.sh("spark-2", f"echo '{NETPLAN}' > /etc/netplan/60.yaml && chmod 600 /etc/netplan/60.yaml && netplan apply")
    lab.sh("spark-2", "ip address add 192.168.200.12/24 dev enP2p1s0f1np1 && touch /run/volatile && sync")
    lab.sh("spark-2", "ip link set enp1s0f1np1 arp off promisc on mtu 4000")
    lab.command("power", "spark-2", "off")
    assert carrier(lab, "spark-1") == "0"
    assert "spark-2 is off" in lab.command("exec", "spark-2", "--", "true", fails=True).stderr
    lab.command("power", "spark-2", "on")
    assert eventually(lambda: "192.168.100.12/24" in lab.sh("spark-2", "ip -br address"))
    assert "192.168.200.12" not in lab.sh("spark-2", "ip -br address")
    interface = lab.sh("spark-2", "ip -oneline link show enp1s0f1np1")
    assert not {"NOARP", "PROMISC", "4000"} & set(re.split(r"[\s<>,]+", interface)), interface
    assert lab.sh("spark-2", "ls /run/volatile 2>/dev/null || echo gone") == "gone"
    assert carrier(lab, "spark-1") == "1"


def test_a_node_that_reboots_itself_comes_back(lab: Lab) -> None:
    # Not the kernel's boot_id: what systemd-nspawn mounts over it is not always what a path leads to.
    lab.sh("spark-2", "touch /run/before && sync")
    lab.command("exec", "spark-2", "--", "systemctl", "reboot", fails=True)

    def rebooted() -> bool:
        done = lab.command("exec", "spark-2", "--", "sh", "-c", "test -e /run/before || echo anew", fails=True)
        return done.stdout == "anew\n"

    assert eventually(rebooted, 30)


def test_restoring_brings_back_disks_docker_and_cables(lab: Lab) -> None:
    lab.sh("spark-1", "docker volume create kept; echo good > /etc/witness")
    lab.command("save", "good")
    lab.sh("spark-1", "docker volume rm kept; docker volume create new; echo bad > /etc/witness; rm /etc/netplan/*")
    lab.command("cut", "spark-1", CABLED)
    lab.command("restore", "good")
    assert lab.sh("spark-1", "cat /etc/witness; docker volume ls -q").split() == ["good", "kept"]
    assert lab.sh("spark-1", "ls /etc/netplan") == "50-management.yaml"
    assert carrier(lab, "spark-1") == "1"


def test_an_unknown_snapshot_stops_nothing(lab: Lab) -> None:
    done = lab.command("restore", "never-saved", fails=True)
    assert done.returncode == 2
    assert "There is no snapshot 'never-saved'" in done.stderr
    assert lab.sh("spark-1", "echo still here") == "still here"


def test_up_again_leaves_a_running_lab_as_it_is(lab: Lab) -> None:
    lab.sh("spark-1", "touch /run/since-boot")
    assert "is running already" in lab.command("up").stdout
    assert lab.sh("spark-1", "test -e /run/since-boot && echo still on") == "still on"


def test_up_with_another_shape_says_what_to_do(lab: Lab) -> None:
    done = lab.command("up", "--nodes", "3", fails=True)
    assert done.returncode == 2
    assert "python -m lab down" in done.stderr
