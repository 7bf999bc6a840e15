"""Addresses and names of the lab's networks: pure arithmetic, no commands."""

import ipaddress
from collections.abc import Iterable
from typing import Final

from lab.errors import LabError

MANAGEMENT: Final = "enP7s7"
"""The 10 GbE interface of a DGX Spark."""

FABRIC: Final = ("enp1s0f0np0", "enp1s0f1np1", "enP2p1s0f0np0", "enP2p1s0f1np1")
"""The ConnectX-7 of a DGX Spark: two ports, each seen as two logical interfaces."""

CABLED: Final = ("enp1s0f1np1", "enP2p1s0f1np1")
"""Both logical interfaces of port 1, where the playbook puts the cable."""

INTERFACES: Final = (MANAGEMENT, *FABRIC)

MOST_NODES: Final = 64


def network(octet: int) -> ipaddress.IPv4Network:
    """The management network 10.77.OCTET.0/24."""
    return ipaddress.IPv4Network(f"10.77.{octet}.0/24")


def host_address(octet: int) -> str:
    """The host's end of the management network."""
    return str(network(octet)[1])


def node_address(octet: int, number: int) -> str:
    """The management address of node NUMBER (from 1)."""
    return str(network(octet)[10 + number])


def hardware_address(octet: int, number: int, interface: str) -> str:
    """A locally administered MAC address, the same at every boot and different for every interface of a lab."""
    return f"02:4c:41:{octet:02x}:{number:02x}:{INTERFACES.index(interface):02x}"


def host_link(octet: int) -> str:
    """The one interface that the host sees of a lab."""
    return f"sparklab{octet}"


def free_network(routed: Iterable[str]) -> int:
    """The first 10.77.N.0/24 that overlaps none of the networks the host already routes.

    Args:
        routed: destinations of the host's IPv4 routes, as `ip route` prints them.

    Raises:
        LabError: if all 256 are taken.
    """
    taken = [
        ipaddress.IPv4Network(destination, strict=False)
        for destination in routed
        if destination not in {"default", "0.0.0.0/0"}
    ]
    for octet in range(256):
        if not any(network(octet).overlaps(other) for other in taken):
            return octet
    raise LabError("Every network in 10.77.0.0/16 is routed by this host already; take a lab down: python -m lab down")
