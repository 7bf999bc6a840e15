"""Changes that would go wrong: the node goes back by itself, docker comes up with its old settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import CommandFailed
from cluster.facts.docker import DAEMON_JSON
from cluster.inventory_file import parse_inventory
from cluster.node import Node
from engine import dead_man
from engine.apply import Applier
from engine.change import RunCommand, WriteFile
from engine.journal import Journal
from engine.network_change import WriteNetplan
from fixers.daemon import RESTART, WriteDaemonJson
from tests.e2e.lab import Lab, told

pytestmark = pytest.mark.lab

CUTS_US_OFF = b"network: {version: 2, ethernets: {enP7s7: {addresses: [10.99.99.99/24]}}}\n"
UNCONFIRMED = b"network: {version: 2, ethernets: {enp1s0f1np1: {addresses: [10.98.0.1/24]}}}\n"
ADDED = "ip addr del 10.98.0.1/24 dev enp1s0f1np1"


@pytest.fixture
def node(bare: Lab) -> Iterator[Node]:
    text = bare.do("inventory").replace("  user: nvidia", "  user: nvidia\n  connect_timeout_s: 3")
    cluster = Cluster(parse_inventory(text, "the lab"))
    cluster.connect()
    yield cluster.nodes[0]
    cluster.close()


@pytest.fixture
def applier(reports: Path) -> Applier:
    return Applier(Journal(reports / "journal.jsonl"), frozenset())


def test_network_change_that_cuts_us_off_is_taken_back_by_the_node(
    node: Node, applier: Applier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_man, "PATIENCE_S", 8)
    change = WriteNetplan(node, "/etc/netplan/50-management.yaml", CUTS_US_OFF, mode=0o600)
    with pytest.raises(CommandFailed, match="put the old one back"):
        applier.apply("test.network", 1, change)
    assert b"10.99.99.99" not in node.read("cat /etc/netplan/50-management.yaml", root=True).stdout


def test_network_change_that_was_never_confirmed_is_taken_back_before_the_next_run_judges(
    bare: Lab, node: Node, applier: Applier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(_: Node) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dead_man, "disarm", cut_off)
    left = "/etc/netplan/60-spark-runbook.yaml"
    with pytest.raises(KeyboardInterrupt):
        applier.apply("test.network", 1, WriteNetplan(node, left, UNCONFIRMED, mode=0o600, takes_back=[ADDED]))
    assert "10.98.0.1/24" in node.read("ip addr show enp1s0f1np1").out
    run = bare.runbook("-k", "network", "--fix", "--train", "none")
    assert run.exit == 0, told(run)
    assert run.outcomes("network.addressed") == {"fixed"}, "the change that was left must be gone before it is judged"
    assert "10.98.0.1/24" not in node.read("ip addr show enp1s0f1np1").out
    assert node.read("systemctl is-active spark-runbook-network.timer").out.strip() == "inactive"


def test_docker_that_does_not_come_up_gets_its_old_settings_back(node: Node, applier: Applier) -> None:
    before = node.read(f"cat {DAEMON_JSON}", root=True).out
    applier.apply("test.daemon", 4, WriteDaemonJson(node, DAEMON_JSON, b'{"data-root": "/proc/nowhere"}\n'))
    with pytest.raises(CommandFailed, match="The old state was put back and works"):
        applier.apply("test.daemon", 4, RunCommand(node, RESTART, takes_up=True, deadline_s=120))
    assert node.read(f"cat {DAEMON_JSON}", root=True).out == before
    assert node.read("systemctl is-active docker.service").out.strip() == "active"


def test_daemon_json_that_docker_refuses_is_never_written(node: Node, applier: Applier) -> None:
    with pytest.raises(CommandFailed, match="dockerd --validate"):
        applier.apply("test.daemon", 4, WriteDaemonJson(node, DAEMON_JSON, b'{"no-such-setting": 1}\n'))
    assert node.read(f"test -e {DAEMON_JSON}", root=True).exit == 1


def test_disk_that_is_full_keeps_the_old_file_whole(node: Node, applier: Applier) -> None:
    with node.changes_allowed():
        node.change("mkdir -p /mnt/full && mount -t tmpfs -o size=16k tmpfs /mnt/full && echo old >/mnt/full/settings")
        node.change("head -c 16k /dev/zero >/mnt/full/filler 2>/dev/null; true")
    with pytest.raises(CommandFailed, match="No space left on device"):
        applier.apply("test.full", 4, WriteFile(node, "/mnt/full/settings", b"new" * 4000))
    assert node.read("cat /mnt/full/settings; ls -A /mnt/full").out.split() == ["old", "filler", "settings"]
