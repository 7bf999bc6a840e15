"""Step 1: the ports that the swarm and the ranks need between the nodes, knocked at for real."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.packet_filter import parse_rule
from cluster.facts.parse import lines, succeeded
from cluster.facts.swarm import PORT
from cluster.probes import invocation

if TYPE_CHECKING:
    from cluster.node import Node

SWARM_MANAGER = f"{PORT}/tcp"
SWARM_GOSSIP = "7946/udp"
SWARM_NODES = ("7946/tcp", SWARM_GOSSIP)
ANY_RANK = "45000/tcp"
"""NCCL and gloo listen on ports that the kernel chooses (32768 to 60999); one of them stands for all."""


@dataclass(frozen=True)
class Door:
    """A port, as PORT/PROTOCOL, at an address of a peer."""

    host: str
    port: str

    def __str__(self) -> str:
        return f"{self.host} {self.port}"


def wanted_doors(node: "Node") -> Iterator[tuple[str, str, str]]:
    """List the doors that a node has to get through: its own address, the peer's, PORT/PROTOCOL.

    A datagram to a program that listens tells nothing, so there UDP is left out.
    """
    cluster = node.cluster
    swarm_managers = [entry.name for entry in cluster.inventory.swarm_managers]
    mine = node.fabric
    for peer, addresses in node.fabric_of_peers.items():
        ports = [ANY_RANK]
        # Not the first of the nodes that are looked at: with --limit the manager may not be among them.
        if peer.role == "manager":
            ports.append(f"{cluster.inventory.rendezvous_port}/tcp")
        if cluster.inventory.uses_swarm:
            ports += [*SWARM_NODES, *([SWARM_MANAGER] if peer.name in swarm_managers else [])]
        for interface, address in addresses.items():
            for port in ports:
                if interface in mine and not (port.endswith("/udp") and listens(peer, str(address.ip), port)):
                    yield str(mine[interface].ip), str(address.ip), port


def listens(node: "Node", address: str, port: str) -> bool:
    """Whether something on a node listens at PORT/PROTOCOL of an address."""
    return any(f"{host}:{port}" in node.network.listening for host in (address, "*", "0.0.0.0", "[::]"))  # noqa: S104 - compared, not bound


def parse_doors(reading: Reading) -> dict[Door, str]:
    """Read `ADDRESS PORT/PROTOCOL open|refused|silence` lines into answers by door."""
    doors: dict[Door, str] = {}
    for line in lines(reading):
        match line.split():
            case [host, port, ("open" | "refused" | "silence") as answer]:
                doors[Door(host, port)] = answer
            case _:
                raise ParseError(f"this is no answer: {line[:80]}")
    return doors


def parse_rules(reading: Reading) -> tuple[str, ...]:
    """Read `iptables -S`."""
    return tuple(succeeded(reading).splitlines())


def _knock(node: "Node") -> str:
    ports: dict[tuple[str, str], list[str]] = {}
    for source, target, port in wanted_doors(node):
        ports.setdefault((source, target), []).append(port)
    # Most peers have the same ports, which are written once: a thousand peers have to fit into one command.
    targets: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (source, target), asked in ports.items():
        targets.setdefault((source, tuple(asked)), []).append(target)
    doors = (f"{source}:{','.join(asked)}:{','.join(found)}" for (source, asked), found in targets.items())
    return f"{invocation('doors')} {' '.join(doors)}"


class DoorFacts(Facts):
    """What answered at each door, and the packet filter of this node."""

    about_peers = True

    doors: dict[Door, str] = fact(_knock, parse_doors, timeout_s=20)
    rules: tuple[str, ...] = fact("command -v iptables >/dev/null || exit 0; iptables -S", parse_rules, root=True)

    @property
    def shut(self) -> dict[Door, str]:
        """The doors through which nothing gets, and whether they are refused or silent.

        A refusal is a good answer, unless something listens there: then a packet filter gave it. Where something
        listens for datagrams, which answers nobody who knocks, the peer's own rules are asked; and where there is
        silence as well, since a kernel sends only so many refusals a second, and the swarm's own calls may use them up.
        """
        mine = self.node.fabric
        ways = {
            str(address.ip): (peer, interface)
            for peer, addresses in self.node.fabric_of_peers.items()
            for interface, address in addresses.items()
        }
        closed = {
            door: "refused" if answer == "silence" and self._is_refused(door, *ways[door.host]) else answer
            for door, answer in self.doors.items()
            if door.host in ways
            if answer == "silence" or (answer == "refused" and listens(ways[door.host][0], door.host, door.port))
        }
        return closed | {
            Door(host, SWARM_GOSSIP): "silence"
            for host, (peer, interface) in ways.items()
            if interface in mine and listens(peer, host, SWARM_GOSSIP)
            if peer.doors.turns_away(SWARM_GOSSIP, interface, mine[interface].ip)
        }

    def _is_refused(self, door: Door, peer: "Node", interface: str) -> bool:
        mine = self.node.fabric
        return interface in mine and peer.doors.turns_away(door.port, interface, mine[interface].ip) == "REJECT"

    def turns_away(self, port: str, interface: str, source: IPv4Address) -> str | None:
        """How this node turns a peer's packets to PORT/PROTOCOL away, if it does: by a rule about them, or its policy.

        Where a rule before may have let them in, and nobody can tell here, what turns away everything does not count.

        Returns:
            DROP, REJECT or None.
        """
        may_be_in = False
        for rule in (parse_rule(text) for text in self.rules if text.startswith("-A INPUT ")):
            if rule.concerns(port, interface, source):
                if rule.target == "ACCEPT":
                    return None
                if rule.target in ("DROP", "REJECT") and (rule.ports or not may_be_in):
                    return rule.target
            may_be_in = may_be_in or rule.may_let_in(port, interface, source)
        return "DROP" if "-P INPUT DROP" in self.rules and not may_be_in else None

    @property
    def has_ufw(self) -> bool:
        """Whether Ubuntu's own firewall is at work."""
        return "-N ufw-user-input" in self.rules

    @property
    def filters(self) -> bool:
        """Whether iptables drops or rejects anything that comes in."""
        return any(rule == "-P INPUT DROP" or _turns_away(rule) for rule in self.rules)


def _turns_away(rule: str) -> bool:
    return rule.startswith("-A INPUT") and any(f"-j {target}" in rule for target in ("DROP", "REJECT"))
