"""Step 1: how a node reaches its peers over the fabric: route, neighbour, ping small and large."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from cluster.errors import UnknownFact
from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import by_address, succeeded

if TYPE_CHECKING:
    from cluster.node import Node

PINGS = 5
_HEADERS = 28
"""Bytes of the IPv4 and ICMP headers around the payload of a ping."""
_ONLY_PRINTED = {"dead", "linkdown", "offload", "rt_offload", "rt_offload_failed", "rt_trap", "trap", "unresolved"}
"""Words that ip has for the state of a route, and does not take in a command."""


@dataclass(frozen=True)
class Ping:
    """What became of the pings to one address: loss in percent, the fastest answer in milliseconds."""

    loss: float
    fastest_ms: float | None

    def __str__(self) -> str:
        """Tell the loss."""
        return "no answer" if self.loss >= 100 else f"{round(self.loss * PINGS / 100)} of {PINGS} pings lost"


@dataclass(frozen=True)
class Route:
    """The route that the kernel takes to one address: its interface, and the entry of the table in ip's words."""

    interface: str
    entry: str

    @property
    def selector(self) -> str:
        """The words by which `ip route show` finds the entry: it takes not all that it prints."""
        return " ".join([self.entry.split()[0], *re.findall(r"(?<!\S)(?:dev|via(?: inet6)?) \S+", self.entry)])

    def is_within(self, subnet: IPv4Network) -> bool:
        """Whether it leads to nothing outside a subnet, and came with no address of the node itself."""
        try:
            goal = IPv4Network(self.entry.split()[0])
        except (ValueError, IndexError):
            return False  # `default`, for instance
        return goal.subnet_of(subnet) and "proto kernel" not in self.entry


@dataclass(frozen=True)
class Neighbour:
    """What layer 2 knows of one address: its hardware address, if anything answered, and the kernel's state word."""

    mac: str | None
    state: str


def _refuse_missing_tool(said: str) -> None:
    if said.endswith(": not found"):
        raise ParseError(said[-120:])


def parse_pings(reading: Reading) -> dict[str, Ping]:
    """Read `ADDRESS everything that ping said` lines."""
    found = {}
    for address, said in by_address(reading).items():
        _refuse_missing_tool(said)
        loss = re.search(r"\b(\d{1,3}(?:\.\d{1,6})?)% packet loss", said, re.ASCII)
        fastest = re.search(r"min/avg/max/mdev = (\d{1,9}\.\d{1,6})/", said, re.ASCII)
        # Without statistics nothing was sent: no route, or the source address is gone.
        found[address] = Ping(float(loss[1]) if loss else 100.0, float(fastest[1]) if fastest else None)
    return found


def parse_routes(reading: Reading) -> dict[str, Route]:
    """Read `ADDRESS the route` lines; without one, the entry is ip's own complaint."""
    found = {}
    for address, entry in by_address(reading).items():
        _refuse_missing_tool(entry)
        device = re.search(r"\bdev (\S+)", entry)
        words = [word for word in entry.split() if word not in _ONLY_PRINTED]
        found[address] = Route(device[1] if device else "none", " ".join(words))
    return found


def parse_neighbours(reading: Reading) -> dict[str, Neighbour]:
    """Read `ip -4 neigh show`."""
    found = {}
    for line in succeeded(reading).splitlines():
        words = line.split()
        if not words:
            continue
        mac = re.search(r"\blladdr (\S+)", line)
        found[words[0]] = Neighbour(mac[1].lower() if mac else None, words[-1])
    return found


def _each_peer(node: "Node", command: Callable[[str], str], then: str) -> str:
    """Run a command for every peer's address, which answers one line each; it is given the interface of both ends.

    After each comes `then`: `;` waits for it and `&` goes on.
    """
    mine = node.fabric
    loops = [
        f"for peer in {' '.join(addresses)}; do echo $peer $({command(interface)} $peer 2>&1) {then} done\n"
        for interface in mine
        if (addresses := _peers_behind(node, interface))
    ]
    return "".join(loops) + "wait"


def _peers_behind(node: "Node", interface: str) -> list[str]:
    return [str(links[interface].ip) for links in node.fabric_of_peers.values() if interface in links]


def _pings(node: "Node") -> str:
    mine = node.fabric
    return _each_peer(node, lambda link: f"ping -n -q -c {PINGS} -i 0.1 -W 2 -I {mine[link].ip}", "&")


def _large_pings(node: "Node") -> str:
    plan = node.cluster.fabric
    mine = plan.of(node.name)
    return _each_peer(
        node,
        lambda link: f"ping -n -q -c {PINGS} -i 0.1 -W 2 -M do -s {plan.mtu[link] - _HEADERS} -I {mine[link].ip}",
        "&",
    )


def _routes(node: "Node") -> str:
    return _each_peer(node, lambda _: "ip -o route get fibmatch", ";")


class MeshFacts(Facts):
    """By the peers' fabric addresses."""

    about_peers = True

    routes: dict[str, Route] = fact(_routes, parse_routes)
    pings: dict[str, Ping] = fact(_pings, parse_pings, root=True, timeout_s=20)
    large_pings: dict[str, Ping] = fact(_large_pings, parse_pings, root=True, timeout_s=20)
    # After the pings, which make the kernel look for its neighbours.
    neighbours: dict[str, Neighbour] = fact("ip -4 neigh show", parse_neighbours, root=True)

    @property
    def lost(self) -> dict[str, Ping]:
        """The peers' addresses that do not answer every ping, with what became of them."""
        return {address: ping for address, ping in self.pings.items() if ping.loss}

    @property
    def slowest_ms(self) -> float:
        """The longest of the shortest round trips to each address, in milliseconds.

        Raises:
            UnknownFact: ping told no time.
        """
        times = [ping.fastest_ms for ping in self.pings.values() if ping.fastest_ms is not None]
        if not times:
            raise UnknownFact(f"ping told no round trip on {self.node.name}.")
        return max(times)

    @property
    def lost_frames(self) -> dict[str, Ping]:
        """The peers' addresses that answer small pings and not every full frame, with what became of those."""
        small = self.pings
        return {
            one: ping for one, ping in self.large_pings.items() if ping.loss and one in small and small[one].loss < 100
        }

    @property
    def too_large(self) -> tuple[str, ...]:
        """The peers' addresses that answer small pings and none of a full frame."""
        return tuple(one for one, ping in self.lost_frames.items() if ping.loss >= 100)
