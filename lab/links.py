"""The lab's interfaces, bridges and network namespaces, made with ip(8).

Every interface of a node is one end of a veth pair; the other end, its port, stays in the supervisor's network
namespace and hangs on a bridge, one bridge for each interface name. Setting the port down is pulling the cable.
"""

import json
from pathlib import Path

from lab.addresses import INTERFACES, MANAGEMENT, hardware_address, host_address, host_link
from lab.cables import Cables
from lab.run import check

JUMBO = 9216
"""Bytes; a port lets jumbo frames pass, as a cable does, and leaves the MTU to the nodes."""


def bridge(interface: str) -> str:
    """The bridge that joins the interfaces of this name."""
    return f"net{INTERFACES.index(interface)}"


def port(number: int, interface: str) -> str:
    """The supervisor's end of a node's interface."""
    return f"{bridge(interface)}-node{number}"


def namespace(number: int, boot: int) -> str:
    """A node's network namespace: every boot has a new one, so that nothing of the last one is left in it."""
    return f"spark-{number}-boot{boot}"


def make_bridges() -> None:
    """Make one bridge for every interface name, in the supervisor's namespace."""
    lines = []
    for interface in INTERFACES:
        name = bridge(interface)
        lines += [
            # The kernel keeps a bridge at 1500 bytes unless it is asked.
            f"link add name {name} type bridge stp_state 0 mcast_snooping 0",
            f"link set {name} mtu {JUMBO} up",
        ]
    _ip(lines)


def make_node(octet: int, number: int, boot: int = 0) -> None:
    """Make a namespace for a node's next boot with all its interfaces in it, new and dark.

    Args:
        octet: the third octet of the management network.
        number: the node's number.
        boot: how often the node has booted.
    """
    home = namespace(number, boot)
    check(["ip", "netns", "add", home])
    lines = []
    for interface in INTERFACES:
        end = port(number, interface)
        address = hardware_address(octet, number, interface)
        lines += [
            f"link add name {end} mtu {JUMBO} type veth peer name {interface} address {address} netns {home}",
            f"link set {end} master {bridge(interface)}",
        ]
    _ip(lines)


def power_up(number: int, boot: int) -> None:
    """Set a node's interfaces up without an address, as a DGX Spark boots."""
    _ip([f"link set {name} up" for name in ("lo", *INTERFACES)], namespace(number, boot))


def power_down(octet: int, number: int, boot: int) -> None:
    """Make a node's interfaces anew for its next boot: settings and counters begin where a card begins."""
    # With one end of a cable the other goes at once; with its namespace it would go at some later time.
    _ip([f"link delete {port(number, interface)}" for interface in INTERFACES])
    check(["ip", "netns", "delete", namespace(number, boot)])
    make_node(octet, number, boot + 1)


def set_carrier(cables: Cables) -> None:
    """Give every interface of every node the carrier that the cables say."""
    _ip(
        [
            f"link set {port(number, interface)} {'up' if cables.carrier(number, interface) else 'down'}"
            for number in range(1, cables.nodes + 1)
            for interface in INTERFACES
        ]
    )


def connect_host(octet: int, supervisor: int) -> None:
    """Join the host to the management network; the link goes when the supervisor's namespace does.

    Args:
        octet: the third octet of the management network.
        supervisor: the supervisor's process id, as the host sees it.
    """
    name = host_link(octet)
    check(["ip", "link", "add", name, "type", "veth", "peer", "name", "host", "netns", str(supervisor)])
    check(["ip", "address", "add", f"{host_address(octet)}/24", "dev", name])
    check(["ip", "link", "set", name, "up"])


def attach_host() -> None:
    """Put the supervisor's end of the host's link on the management bridge."""
    _ip([f"link set host master {bridge(MANAGEMENT)} up"])


def routed_networks() -> list[str]:
    """Destinations of all IPv4 routes of the host."""
    routes = json.loads(check(["ip", "-json", "-4", "route", "show", "table", "all"]))
    return [route["dst"] for route in routes]


def link_exists(name: str) -> bool:
    """Whether the host has an interface of this name."""
    return Path("/sys/class/net", name).exists()


def _ip(lines: list[str], home: str | None = None) -> None:
    where = ["-netns", home] if home else []
    check(["ip", *where, "-batch", "-"], feed="\n".join(lines) + "\n")
