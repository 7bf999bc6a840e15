"""What tools say of the network is understood; samples are recorded from DGX Spark and Debian machines."""

from ipaddress import IPv4Address

import pytest

from cluster.facts.adapter import Pcie, parse_counts, parse_pcie
from cluster.facts.base import ParseError, Reading
from cluster.facts.doors import parse_doors, parse_rules
from cluster.facts.mesh import Neighbour, Ping, Route, parse_neighbours, parse_pings, parse_routes
from cluster.facts.netplan import parse_complaint, parse_netplan
from cluster.facts.network import parse_listening
from cluster.facts.rdma import Gid, parse_devices, parse_pins


def _said(out: str = "", *, err: str = "", exit_status: int = 0) -> Reading:
    return Reading("command", exit_status, out, err)


PINGED = (
    "192.168.100.2 PING 192.168.100.2 (192.168.100.2) from 192.168.100.1 : 56(84) bytes of data. "
    "--- 192.168.100.2 ping statistics --- 5 packets transmitted, {} received, {}% packet loss, time 802ms "
)
RTT = "rtt min/avg/max/mdev = 0.035/0.050/0.062/0.009 ms\n"


def test_pings_tell_loss_and_the_fastest_answer() -> None:
    assert parse_pings(_said(PINGED.format(5, 0) + RTT)) == {"192.168.100.2": Ping(0, 0.035)}
    assert parse_pings(_said(PINGED.format(3, 40) + RTT)) == {"192.168.100.2": Ping(40, 0.035)}
    assert parse_pings(_said(PINGED.format(0, 100))) == {"192.168.100.2": Ping(100, None)}
    errors = PINGED.format(0, "+5 errors, 100")
    assert parse_pings(_said(errors)) == {"192.168.100.2": Ping(100, None)}


@pytest.mark.parametrize(
    "said", ["ping: connect: Network is unreachable", "ping: bind: Cannot assign requested address"]
)
def test_a_ping_that_was_never_sent_was_not_answered(said: str) -> None:
    assert parse_pings(_said(f"192.168.100.2 {said}\n"))["192.168.100.2"].loss == 100


def test_a_ping_that_is_not_installed_is_unknown() -> None:
    with pytest.raises(ParseError, match="ping: not found"):
        parse_pings(_said("192.168.100.2 /bin/sh: 1: ping: not found\n"))
    with pytest.raises(ParseError, match="ip: not found"):
        parse_routes(_said("192.168.100.2 /bin/sh: 1: ip: not found\n"))


def test_routes_name_their_interface_and_their_entry() -> None:
    said = (
        "192.168.100.2 192.168.100.0/24 dev enp1s0f1np1 proto kernel scope link src 192.168.100.1\n"
        "192.168.101.2 default via 10.0.0.1 dev enP7s7 proto dhcp\n"
        "192.168.102.2 RTNETLINK answers: Network is unreachable\n"
    )
    assert parse_routes(_said(said)) == {
        "192.168.100.2": Route(
            "enp1s0f1np1", "192.168.100.0/24 dev enp1s0f1np1 proto kernel scope link src 192.168.100.1"
        ),
        "192.168.101.2": Route("enP7s7", "default via 10.0.0.1 dev enP7s7 proto dhcp"),
        "192.168.102.2": Route("none", "RTNETLINK answers: Network is unreachable"),
    }


def test_of_a_route_no_word_stays_that_ip_prints_and_does_not_take() -> None:
    said = "192.168.100.2 192.168.100.2 via 10.0.0.1 dev enP7s7 metric 5 offload onlink linkdown rt_trap mtu 1400 \n"
    (route,) = parse_routes(_said(said)).values()
    assert route.entry == "192.168.100.2 via 10.0.0.1 dev enP7s7 metric 5 onlink mtu 1400"
    assert route.selector == "192.168.100.2 via 10.0.0.1 dev enP7s7"


def test_neighbours_have_a_hardware_address_or_none() -> None:
    said = (
        "192.168.100.2 dev enp1s0f1np1 lladdr 4C:BB:47:2b:00:01 REACHABLE\n"
        "192.168.101.2 dev enP2p1s0f1np1 FAILED\n"
        "10.0.0.1 dev enP7s7 lladdr 00:00:5e:00:01:01 router STALE\n\n"
    )
    assert parse_neighbours(_said(said)) == {
        "192.168.100.2": Neighbour("4c:bb:47:2b:00:01", "REACHABLE"),
        "192.168.101.2": Neighbour(None, "FAILED"),
        "10.0.0.1": Neighbour("00:00:5e:00:01:01", "STALE"),
    }


def test_pcie_links_as_a_spark_and_a_board_with_fewer_lanes_have_them() -> None:
    said = (
        "enp1s0f1np1 4 32.0 GT/s PCIe 4 32.0 GT/s PCIe \n"
        "enP2p1s0f1np1 2 32.0 GT/s PCIe 4 32.0 GT/s PCIe \n"
        "enP7s7 1 5.0 GT/s PCIe 1 5.0 GT/s PCIe \n"
        "eth0 0 Unknown 255 Unknown \n"
    )
    links = parse_pcie(_said(said))
    assert links["enp1s0f1np1"] == Pcie(4, 32.0, 4, 32.0)
    assert [link.gbps for link in links.values()] == [126.0, 63.0, 4.0]
    assert str(links["enP2p1s0f1np1"]) == "x2 at 32 GT/s (it can do x4 at 32 GT/s)"
    assert "eth0" not in links


def test_counters_are_told_by_interface() -> None:
    said = "enp1s0f1np1 carrier_changes: 3\nenp1s0f1np1 rx_crc_errors_phy: 12\nenP7s7 rx_crc_errors: 0\nnoise\n"
    assert parse_counts(_said(said)) == {
        "enp1s0f1np1": {"carrier_changes": 3, "rx_crc_errors_phy": 12},
        "enP7s7": {"rx_crc_errors": 0},
    }


def test_what_listens_is_told_by_address_port_and_protocol() -> None:
    said = (
        "udp   UNCONN 0      0                  *:7946              *:*          \n"
        "tcp   LISTEN 0      4096   192.168.100.1:2377       0.0.0.0:*          \n"
        "tcp   LISTEN 0      128             [::]:22            [::]:*\n"
        "udp   UNCONN 0      0      127.0.0.53%lo:53         0.0.0.0:*\n"
    )
    assert parse_listening(_said(said)) == {
        "*:7946/udp",
        "192.168.100.1:2377/tcp",
        "[::]:22/tcp",
        "127.0.0.53%lo:53/udp",
    }


def test_netplan_complains_of_a_file_and_a_line_without_quoting_it() -> None:
    # Recorded from netplan 1.1.2, which exits with 0.
    said = (
        "** (process:1): WARNING **: 22:55:12.345: Permissions for /etc/netplan/a.yaml are too open.\n"
        "Command failed: /etc/netplan/a.yaml:4:1: Invalid YAML: did not find expected node content:\n"
        "    password: secret\n    ^\n"
    )
    complaint = "/etc/netplan/a.yaml:4:1: Invalid YAML: did not find expected node content:"
    assert parse_complaint(_said(err=said)) == complaint
    assert parse_complaint(_said(err=said.splitlines()[0])) == ""
    with pytest.raises(ParseError, match="named no file"):
        parse_complaint(_said(err="Killed", exit_status=137))
    with pytest.raises(ParseError, match="expected node content"):
        parse_netplan(_said(err=said))


def test_netplan_may_label_an_address_and_set_the_mtu() -> None:
    said = "network: {ethernets: {a: {mtu: 9000, addresses: [{10.0.0.1/24: {label: 'a:1'}}]}}}\n"
    (entry,) = parse_netplan(_said(said)).values()
    assert (str(entry.addresses[0]), entry.mtu) == ("10.0.0.1/24", 9000)


ROCE = "/sys/class/infiniband/rocep1s0f1"
SPARK = f"""\
{ROCE}/ports/1/state:4: ACTIVE
{ROCE}/ports/1/link_layer:Ethernet
{ROCE}/ports/1/gid_attrs/types/0:IB/RoCE v1
{ROCE}/ports/1/gid_attrs/types/1:RoCE v2
{ROCE}/ports/1/gid_attrs/types/2:IB/RoCE v1
{ROCE}/ports/1/gid_attrs/types/3:RoCE v2
{ROCE}/ports/1/gids/0:fe80:0000:0000:0000:4ebb:47ff:fe2b:0001
{ROCE}/ports/1/gids/1:fe80:0000:0000:0000:4ebb:47ff:fe2b:0001
{ROCE}/ports/1/gids/2:0000:0000:0000:0000:0000:ffff:c0a8:6401
{ROCE}/ports/1/gids/3:0000:0000:0000:0000:0000:ffff:c0a8:6401
{ROCE}/ports/1/gids/4:0000:0000:0000:0000:0000:0000:0000:0000
{ROCE}/device/net/enp1s0f1np1:
{ROCE}/device/infiniband_verbs/uverbs1:
/dev/infiniband/uverbs1:
/dev/infiniband/rdma_cm:
"""


def test_an_rdma_port_tells_state_addresses_and_device_node() -> None:
    (port,) = parse_devices(_said(SPARK)).values()
    assert (port.device, port.interface, port.verbs) == ("rocep1s0f1", "enp1s0f1np1", "uverbs1")
    assert (port.state, port.link_layer) == ("ACTIVE", "Ethernet")
    assert port.gids[3] == Gid(IPv4Address("192.168.100.1"), "RoCE v2")
    assert port.index_of(IPv4Address("192.168.100.1")) == 3
    assert port.index_of(IPv4Address("192.168.100.2")) is None
    assert 4 not in port.gids


def test_without_rdma_and_without_its_device_node() -> None:
    assert parse_devices(_said("")) == {}
    hidden = SPARK.replace("/dev/infiniband/uverbs1:\n", "")
    assert parse_devices(_said(hidden))["enp1s0f1np1"].verbs == ""


def test_pinned_indexes_are_found_and_comments_are_not() -> None:
    said = (
        "/etc/environment:NCCL_IB_GID_INDEX=3\n"
        "/etc/nccl.conf:# NCCL_IB_GID_INDEX=5\n"
        '/etc/profile.d/nccl.sh:export NCCL_IB_GID_INDEX="1"\n'
        "/home/nvidia/.bashrc:export NCCL_IB_GID_INDEX=-1\n"
    )
    assert parse_pins(_said(said)) == {"/etc/environment": 3, "/etc/profile.d/nccl.sh": 1}


def test_doors_answer_in_three_words() -> None:
    said = "192.168.100.2 7946/udp refused\n192.168.100.2 2377/tcp open\n192.168.100.2 45000/tcp silence\n"
    assert set(parse_doors(_said(said)).values()) == {"open", "refused", "silence"}
    with pytest.raises(ParseError, match="this is no answer"):
        parse_doors(_said("Traceback (most recent call last):\n"))
    with pytest.raises(ParseError, match="not found"):
        parse_doors(_said(err="sh: 1: python3: not found", exit_status=127))


def test_rules_are_lines() -> None:
    assert parse_rules(_said("-P INPUT ACCEPT\n-A INPUT -j DROP\n")) == ("-P INPUT ACCEPT", "-A INPUT -j DROP")


def test_netplan_may_name_interfaces_by_what_they_match() -> None:
    entries = parse_netplan(
        _said(
            "network:\n  ethernets:\n"
            "    cx7: {match: {macaddress: '4C:bb:47:2b:00:01'}, set-name: fabric0}\n"
            "    NM-1: {renderer: NetworkManager, match: {name: enp1s0f1np1}}\n"
            "    all: {match: {name: 'en*', driver: [mlx5_core]}}\n"
            "    any: {match: {}}\n"
        )
    )
    told = {key: (one.match and (one.match.name, one.match.macaddress), one.is_pattern) for key, one in entries.items()}
    assert told == {
        "cx7": ((None, "4C:bb:47:2b:00:01"), False),
        "NM-1": (("enp1s0f1np1", None), False),
        "all": (("en*", None), True),
        "any": ((None, None), False),
    }
    assert (entries["cx7"].set_name, entries["NM-1"].renderer) == ("fabric0", "NetworkManager")
