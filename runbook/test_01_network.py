"""Step 1: the nodes answer, and reach each other over the fabric."""

from cluster.cluster import SAME, Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import network
from runbook.conditions import has_a_fabric

pytestmark = step(1, "Configure network connectivity")


@check("ssh.reachable")
def test_node_answers(node: Node) -> None:
    """The node answers."""
    assert node.trouble is None, node.trouble


@check("ssh.sudo", remedy="rerun with --ask-become-pass, or let the user use sudo without a password")
def test_sudo_works(node: Node) -> None:
    """We can become root there."""
    assert node.login.sudo != "refused", node.why_no_root


@check(
    "network.cabled",
    needs_everywhere=("ssh.reachable",),
    applies=has_a_fabric,
    remedy="plug the QSFP cable into the same port of both nodes until it clicks; try another port or cable",
)
def test_cx7_has_a_link(node: Node) -> None:
    """A CX-7 interface has a link."""
    assert node.network.cabled != (), "no CX-7 interface is up: the cable or the port has no link"


@check(
    "network.same_ports",
    needs=("network.cabled",),
    applies=has_a_fabric,
    remedy="move the cable to the same port on every node: NCCL fails across different ones",
)
def test_same_ports_are_cabled(cluster: Cluster) -> None:
    """The same ports have a link on all nodes."""
    assert cluster.drift(lambda node: ", ".join(node.network.cabled)) == SAME, "the cable is in different ports"


@check(
    "network.unique",
    fix=network.address_all,
    needs=("ssh.sudo", "network.same_ports"),
    applies=has_a_fabric,
)
def test_addresses_are_unique(cluster: Cluster) -> None:
    """No fabric address is on two nodes."""
    assert cluster.repeated(fabric_addresses) == (), "two nodes have one address: was one's file copied to the other?"


@check("network.addressed", fix=network.address, needs=("ssh.sudo", "network.same_ports"), applies=has_a_fabric)
def test_fabric_is_addressed(node: Node) -> None:
    """Every fabric interface has its own address, each in a subnet of its own."""
    assert node.network.live(fabric(node)) == planned(node), "an interface has no address, or not the one that fits"


@check("network.persisted", fix=network.address, needs=("network.addressed",), applies=has_a_fabric)
def test_addresses_survive_a_reboot(node: Node) -> None:
    """The addresses are in netplan, so that they survive a reboot."""
    assert node.network.at_boot(fabric(node)) == planned(node), "the addresses were set by hand: a reboot loses them"


@check("network.optional", fix=network.address, needs=("network.persisted",), applies=has_a_fabric)
def test_boot_does_not_wait(node: Node) -> None:
    """Boot does not wait for a fabric whose other end is off."""
    assert node.network.awaited(fabric(node)) == (), "without `optional: true` boot waits two minutes for the peer"


@check("network.private", fix=network.make_private, needs=("ssh.sudo",))
def test_netplan_is_private(node: Node) -> None:
    """Only root may read netplan's files."""
    assert readable_by_others(node) == (), "netplan's files may hold passwords, and it complains about each"


@check(
    "network.reachable", needs=("network.addressed",), applies=has_a_fabric, remedy="look at cable, MTU and firewall"
)
def test_peers_are_reachable(node: Node) -> None:
    """The node reaches every peer on every fabric interface."""
    assert node.mesh.lost == (), "a ping gets no answer although both ends have their addresses"


def fabric(node: Node) -> tuple[str, ...]:
    return node.cluster.fabric.interfaces


def planned(node: Node) -> dict[str, tuple[object, ...]]:
    return {name: (address,) for name, address in node.cluster.fabric.of(node.name).items()}


def fabric_addresses(node: Node) -> list[object]:
    return [address.ip for addresses in node.network.live(fabric(node)).values() for address in addresses]


def readable_by_others(node: Node) -> tuple[str, ...]:
    return tuple(file.path for file in node.network.netplan_files if not file.is_private)
