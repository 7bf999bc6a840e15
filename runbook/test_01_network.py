"""Step 1: the nodes answer, and reach each other over the fabric."""

from collections.abc import Callable

from cluster.cluster import SAME, Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import addresses, firewall, network
from runbook.causes import fabric as why
from runbook.conditions import has_a_fabric, measures_the_fabric
from runbook.found import fabric as found
from runbook.settling import at_a_second_look
from workloads.bandwidth import Flow

pytestmark = step(1, "Configure network connectivity")

Flows = Callable[[], list[Flow]]
LINKED = ("network.linked",)
ADDRESSED = ("network.addressed",)
REACHABLE = ("network.reachable",)
REPLUG = "plug the cable again; try another"


@check("ssh.reachable")
def test_node_answers(node: Node) -> None:
    """The node answers."""
    assert node.trouble is None, node.trouble


@check("ssh.sudo", remedy="rerun with --ask-become-pass, or let the user use sudo without a password")
def test_sudo_works(node: Node) -> None:
    """The user can become root on the node."""
    assert node.login.sudo != "refused", node.why_no_root


@check("network.netplan", needs=("ssh.sudo",), remedy="correct the file at the place that the cause names")
def test_netplan_is_valid(node: Node) -> None:
    """Netplan understands its files."""
    assert node.netplan.complaint == "", f"netplan can apply nothing: {node.netplan.complaint}"


@check("network.private", fix=network.make_private, needs=("ssh.sudo",), together="nodes")
def test_netplan_is_private(node: Node) -> None:
    """Only root may read netplan's files."""
    assert found.readable_by_others(node) == (), "netplan's files may hold passwords, and it complains about each"


@check(
    "network.cabled",
    fix=network.switch_on,
    together="nodes",
    needs_everywhere=("ssh.reachable",),
    applies=has_a_fabric,
    remedy="plug the QSFP cable into the same port of both nodes until it clicks; try another port or cable",
)
def test_cx7_has_a_link(node: Node) -> None:
    """A CX-7 interface has a link."""
    assert node.network.cabled != (), why.dark(node)


@check(
    "network.same_ports",
    fix=network.switch_on_all,
    needs=("network.cabled",),
    applies=has_a_fabric,
    remedy="use the same port on every node: NCCL fails across different ones",
)
def test_same_ports_are_cabled(cluster: Cluster) -> None:
    """The same ports have a link on all nodes."""
    assert cluster.drift(lambda node: ", ".join(node.network.cabled)) == SAME, why.ports_differ(cluster)


@check("network.twins", fix=network.switch_on, needs=("network.same_ports",), applies=has_a_fabric, together="nodes")
def test_both_interfaces_of_a_port_are_on(node: Node) -> None:
    """Both interfaces of a cabled port are switched on."""
    assert found.idle_twins(node) == (), why.half_idle(node)


@check(
    "network.linked",
    needs=("network.same_ports",),
    needs_everywhere=("network.twins",),
    applies=has_a_fabric,
    remedy="cable what `fabric.interfaces` names",
)
def test_fabric_has_links(node: Node) -> None:
    """Every interface of the fabric has a link."""
    assert found.unlinked(node) == (), why.unlinked(node)


@check(
    "network.speed",
    needs=LINKED,
    applies=has_a_fabric,
    threshold="link_speed_mbps",
    remedy="use a cable and a switch port made for that speed",
)
def test_link_is_fast(node: Node) -> None:
    """The slowest link of the fabric came up at full speed."""
    assert found.slowest_link(node) >= node.cluster.thresholds.link_speed_mbps, why.slow(node)


@check(
    "network.pcie",
    needs=LINKED,
    applies=has_a_fabric,
    threshold="link_pcie_gbps",
    remedy="update the firmware, power the node off for a minute; else ask its maker",
)
def test_pcie_is_wide(node: Node) -> None:
    """The PCIe links of the fabric interfaces carry what the cable does."""
    assert found.narrowest_pcie(node) >= node.cluster.thresholds.link_pcie_gbps, why.narrow(node)


@check("network.flaps", needs=LINKED, applies=has_a_fabric, threshold="link_flaps", warns=True, remedy=REPLUG)
def test_link_is_steady(node: Node) -> None:
    """The links of the fabric stay up."""
    assert found.most_flaps(node) <= node.cluster.thresholds.link_flaps, (
        f"a link of the fabric comes and goes: {found.counted(node, node.adapter.flaps)}"
    )


@check("network.errors", needs=LINKED, applies=has_a_fabric, threshold="link_errors", warns=True, remedy=REPLUG)
def test_frames_arrive_whole(node: Node) -> None:
    """Frames arrive whole on the fabric."""
    assert found.most_errors(node) <= node.cluster.thresholds.link_errors, (
        f"frames arrive broken, by a bad cable: {found.counted(node, node.adapter.errors)}"
    )


@check(
    "network.unique",
    fix=addresses.assign_all,
    needs=("ssh.sudo", "network.linked", "network.netplan"),
    applies=has_a_fabric,
)
def test_addresses_are_unique(cluster: Cluster) -> None:
    """No fabric address is on two nodes."""
    assert cluster.repeated(found.fabric_addresses) == (), (
        "two nodes have one address: was one's file copied to the other?"
    )


@check(
    "network.addressed",
    fix=addresses.assign,
    together="after_one",
    needs=("ssh.sudo", "network.linked", "network.netplan"),
    applies=has_a_fabric,
)
def test_fabric_is_addressed(node: Node) -> None:
    """Every fabric interface has its own address, each in a subnet of its own."""
    assert node.network.live(found.interfaces(node)) == found.planned(node), why.addressed_wrongly(node)


@check("network.persisted", fix=addresses.assign, needs=ADDRESSED, applies=has_a_fabric, together="after_one")
def test_addresses_survive_a_reboot(node: Node) -> None:
    """The addresses are in netplan, so that they survive a reboot."""
    assert node.netplan.at_boot(found.interfaces(node)) == found.planned(node), why.lost_at_boot(node)


@check(
    "network.optional",
    fix=addresses.assign,
    together="after_one",
    needs=("network.persisted",),
    applies=has_a_fabric,
)
def test_boot_does_not_wait(node: Node) -> None:
    """Boot does not wait for a fabric whose other end is off."""
    assert node.netplan.awaited(found.interfaces(node)) == (), (
        "without `optional: true` boot waits two minutes for the peer"
    )


@check("network.mtu", fix=addresses.align_mtus, needs=ADDRESSED, applies=has_a_fabric)
def test_mtus_are_equal(cluster: Cluster) -> None:
    """The MTU is the same on all nodes."""
    assert cluster.drift(found.mtus) == SAME, why.mtus_differ(cluster)


@check(
    "network.route",
    fix=network.remove_detours,
    needs=ADDRESSED,
    applies=has_a_fabric,
    remedy="see `ip rule` and `ip route show table all` on the node",
)
def test_peers_are_routed_over_the_fabric(node: Node) -> None:
    """The route to each peer's fabric address goes out of the interface that the cable is in."""
    assert found.routes(node) == found.planned_routes(node), why.routed_wrongly(node)


@check(
    "network.neighbours",
    needs=("network.route",),
    needs_everywhere=ADDRESSED,
    applies=has_a_fabric,
    remedy="find the machine with that hardware address; give it another IP address",
)
def test_peers_answer_themselves(node: Node) -> None:
    """Behind each peer's address is the peer, and no third machine."""
    assert found.strangers(node) == {}, "another machine answers at a peer's address: the address is on two machines"


@check(
    "network.reachable",
    needs=("network.neighbours",),
    needs_everywhere=ADDRESSED,
    explained_by=("network.neighbours",),
    applies=has_a_fabric,
    remedy="look at what the cause names; then at cable and switch",
)
def test_peers_are_reachable(node: Node) -> None:
    """The node reaches every peer on every fabric interface, and no ping is lost."""
    assert node.mesh.lost == {}, why.unreachable(node)


@check(
    "network.latency",
    needs=REACHABLE,
    applies=has_a_fabric,
    threshold="ping_ms",
    warns=True,
    remedy="look for other traffic, and for a busy CPU",
)
def test_peers_answer_at_once(node: Node) -> None:
    """The fastest ping to the farthest peer is fast."""
    assert node.mesh.slowest_ms <= node.cluster.thresholds.ping_ms, "a peer is slow to answer a ping"


@check(
    "network.frames",
    fix=addresses.shorten_frames,
    needs=("network.reachable", "network.mtu"),
    applies=has_a_fabric,
    settles=at_a_second_look,
    remedy="see the cause",
)
def test_full_frames_pass(cluster: Cluster) -> None:
    """A packet as large as the MTU gets to every peer in one piece."""
    assert found.lost_frames(cluster) == {}, why.frames_lost(cluster)


# A docker that begins to listen between our look and our knock takes a datagram without a word.
@check(
    "network.doors",
    fix=firewall.open_to_the_fabric,
    needs=REACHABLE,
    applies=has_a_fabric,
    settles=at_a_second_look,
)
def test_no_firewall_is_in_the_way(node: Node) -> None:
    """The ports of the swarm and of the ranks can be reached on every peer."""
    assert node.doors.shut == {}, why.shut(node)


@check(
    "network.tcp", needs=("network.frames",), applies=measures_the_fabric, threshold="tcp_gbps", remedy="see the cause"
)
def test_tcp_is_fast(cluster: Cluster, tcp: Flows) -> None:
    """Every fabric interface carries TCP at the speed of its half of the port."""
    assert found.slowest(tcp()) >= cluster.thresholds.tcp_gbps, why.carries_little(cluster, tcp())
