"""Faults of the fabric, each put into a lab where all was well: the check that names it, its words, and its repair."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from cluster.cluster import Cluster
from cluster.inventory import parse_inventory
from cluster.node import Node
from engine.apply import Applier
from engine.check import Check, declared
from engine.comparison import Comparison
from engine.journal import Journal
from engine.judge import Judge
from engine.outcome import Outcome, Verdict
from runbook import test_01_network as step_01
from runbook import test_01_network_rdma as rdma_01
from tests.e2e.lab import Lab

pytestmark = pytest.mark.lab

OURS = "/etc/netplan/60-spark-runbook.yaml"
HARDWARE = "/etc/spark-lab/hardware.json"


@dataclass(frozen=True)
class Fault:
    """Shell commands by node, the check that has to name the fault, and what its cause has to say."""

    check: str
    says: str
    on_1: str = "true"
    on_2: str = "true"
    fixes: bool = True
    """Whether `--fix` repairs it, or only a person can."""
    allowed: frozenset[str] = frozenset()
    """What has to be allowed for that."""


FAULTS = {
    "an interface is switched off": Fault(
        "network.same_ports", "enp1s0f1np1 is switched off on spark-2", on_2="ip link set enp1s0f1np1 down"
    ),
    "all interfaces are switched off": Fault(
        "network.cabled", "are switched off", on_2="for i in enp1s0f1np1 enP2p1s0f1np1; do ip link set $i down; done"
    ),
    "a link at half its speed": Fault(
        "network.speed",
        "came up at 100000 Mb/s, and spark-2 tells another speed",
        on_1=f"sed -i 's/200000/100000/' {HARDWARE}",
        fixes=False,
    ),
    "a bad cable": Fault(
        "network.errors",
        "frames arrive broken",
        on_1=f'sed -i \'s/"crc_errors": 0/"crc_errors": 5000/\' {HARDWARE}',
        fixes=False,
    ),
    "a link that comes and goes": Fault(
        "network.flaps",
        "comes and goes",
        on_1="for n in $(seq 30); do for to in down up; do ip link set enp1s0f1np1 $to; done; done; netplan apply",
        fixes=False,
    ),
    "a file with a mistake": Fault(
        "network.netplan",
        f"{OURS}:",
        on_1=f"printf 'network:\\n  ethernets:\\n   x: [\\n' >{OURS}",
        fixes=False,
    ),
    "a twin without an address": Fault(
        "network.addressed", "its twin has one: half of the port's bandwidth", on_1="ip addr flush dev enP2p1s0f1np1"
    ),
    "both twins in one subnet": Fault(
        "network.addressed",
        "shares a subnet with",
        on_1="ip addr flush dev enp1s0f1np1; ip addr add 192.168.101.77/24 dev enp1s0f1np1",
    ),
    "an address on two nodes": Fault(
        "network.unique",
        "two nodes have one address",
        on_2="ip addr flush dev enp1s0f1np1; ip addr add 192.168.100.1/24 dev enp1s0f1np1",
    ),
    "a file that a reboot removes": Fault(
        "network.persisted", "in /run, which a reboot empties", on_1=f"mkdir -p /run/netplan; mv {OURS} /run/netplan/"
    ),
    "a boot that waits": Fault("network.optional", "two minutes", on_1=f"sed -i /optional/d {OURS}"),
    "larger frames on one node": Fault(
        "network.mtu", "of spark-1 has 9000 where another node takes no more", on_1="ip link set enp1s0f1np1 mtu 9000"
    ),
    "a switch that takes no large frames": Fault(
        "network.frames",
        "frames of 1500, 9000 bytes are not",
        on_1="ip link set enp1s0f1np1 mtu 9000",
        on_2="ip link set enp1s0f1np1 mtu 9000; iptables -A INPUT -i enp1s0f1np1 -m length --length 1501:65535 -j DROP",
    ),
    "a route that leads elsewhere": Fault(
        "network.route",
        "is reached by another way: 192.168.100.2 dev enP7s7",
        on_1="ip route add 192.168.100.2/32 dev enP7s7",
        fixes=False,
    ),
    "another machine at the address": Fault(
        "network.neighbours",
        "another machine answers",
        on_1="ip neigh replace 192.168.100.2 lladdr 02:00:00:00:00:99 dev enp1s0f1np1 nud permanent",
        fixes=False,
    ),
    "nobody at the address": Fault(
        "network.reachable",
        "nobody on enp1s0f1np1 answers when asked who has",
        on_2="ip link set enp1s0f1np1 arp off",
        on_1="ip neigh flush all",
        fixes=False,
    ),
    "pings that are dropped": Fault(
        "network.reachable",
        "its packet filter (`iptables -S INPUT`) turns them away",
        on_2="iptables -A INPUT -p icmp --icmp-type echo-request -j DROP",
        fixes=False,
    ),
    "pings that are lost": Fault(
        "network.reachable",
        "pings lost on the way",
        on_2="iptables -A INPUT -p icmp --icmp-type echo-request -m statistic --mode nth --every 3 --packet 0 -j DROP",
        fixes=False,
    ),
    "ports that are dropped": Fault(
        "network.doors",
        "silently drops what the swarm and the ranks send to spark-2",
        on_2="iptables -A INPUT -i en+ -p tcp --dport 7946 -j DROP",
        allowed=frozenset({"open-firewall"}),
    ),
    "datagrams that are dropped": Fault(
        "network.doors",
        "silently drops what the swarm and the ranks send to spark-2",
        on_2="iptables -A INPUT -i en+ -p udp --dport 7946 -j DROP",
        allowed=frozenset({"open-firewall"}),
    ),
    "ports that are rejected": Fault(
        "network.doors",
        "a firewall rejects",
        on_1="iptables -A INPUT -i en+ -p tcp --dport 2377 -j REJECT; "
        "python3 -c 'import socket,time; s = socket.create_server((\"\", 2377)); time.sleep(300)' >/dev/null 2>&1 &",
        allowed=frozenset({"open-firewall"}),
    ),
    "a GID index that is pinned": Fault(
        "rdma.gid_index", "points elsewhere", on_1="echo 'NCCL_IB_GID_INDEX=3' >>/etc/environment"
    ),
}


@pytest.fixture(scope="module")
def networked(lab: Lab) -> Lab:
    """The lab after `--fix` of step 1; `networked` is saved."""
    lab.do("restore", "bare")
    run = lab.runbook("-k", "network", "--fix", "--train", "none")
    assert run.exit == 0, run.screen
    lab.do("save", "networked")
    return lab


class Watched:
    """Judges single checks of step 1 on the lab, in this process: a whole run would take most of a minute."""

    def __init__(self, lab: Lab, folder: Path, mode: str, allowed: frozenset[str] = frozenset()) -> None:
        """Connect to the lab's nodes."""
        self.cluster = Cluster(parse_inventory(lab.do("inventory"), "the lab"))
        self.cluster.connect()
        self._judge = Judge(self.cluster, Applier(Journal(folder / f"{mode}.jsonl"), allowed), mode, self)
        self.last: Comparison | None = None

    def verdicts(self, name: str) -> list[Verdict]:
        """Judge a check wherever it is about."""
        declarations = ((one, declared(one, module)) for module in (step_01, rdma_01) for one in _checks(module))
        function, check = next((one, found) for one, found in declarations if found and found.id == name)
        places: list[Node | None] = [*self.cluster.nodes] if check.per_node else [None]
        return [self._one(check, function, place) for place in places]

    def _one(self, check: Check, function: Callable[..., object], node: Node | None) -> Verdict:
        arguments = {"node": node} if node else {"cluster": self.cluster}
        return self._judge.judge(check, node, lambda: function(**arguments), None)


def _checks(module: ModuleType) -> list[Callable[..., object]]:
    return [one for name, one in vars(module).items() if name.startswith("test_")]


def _wait_until_reachable(lab: Lab, folder: Path) -> None:
    """A node answers before its fabric has its addresses."""
    until = time.monotonic() + 30
    while any(one.outcome is not Outcome.PASSED for one in Watched(lab, folder, "check").verdicts("network.reachable")):
        assert time.monotonic() < until, "the fabric did not come back after the restore"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_and_repaired(networked: Lab, name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    networked.do("restore", "networked")
    _wait_until_reachable(networked, tmp_path)
    networked.on("spark-1", fault.on_1)
    networked.on("spark-2", fault.on_2)
    found = Watched(networked, tmp_path, "check").verdicts(fault.check)
    wrong = [one for one in found if one.outcome is Outcome.FAILED or one.warning]
    assert wrong, found
    assert fault.says in f"{wrong[0].cause or wrong[0].warning}, found {wrong[0].found}"
    if fault.fixes:
        repaired = Watched(networked, tmp_path, "fix", fault.allowed).verdicts(fault.check)
        assert Outcome.FIXED in {one.outcome for one in repaired}, repaired
        assert {one.outcome for one in repaired} <= {Outcome.FIXED, Outcome.PASSED}, repaired
