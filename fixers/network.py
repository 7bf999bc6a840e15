"""Step 1: give the fabric interfaces their addresses and MTU, through netplan, so that they survive a reboot."""

import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import PurePosixPath
from shlex import quote

import yaml

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.facts.netplan import BootEntry, NetplanFile
from cluster.node import Node
from engine.change import Change, Changes, Consent, Instruction, RunCommand, together
from engine.files import read_file
from engine.network_change import WriteNetplan
from engine.rights import SetRights
from fixers.netplan_files import without_addresses

OUR_FILE = "/etc/netplan/60-spark-runbook.yaml"
_HEAD = "# The fabric's addresses, written by Spark Runbook: `pytest runbook --undo RUN` takes them back.\n"
LINK_PATIENCE_S = 10
"""A link of 200 Gb/s takes some seconds to come up."""
ETHERNET_MTU = 1500
"""Bytes; what every switch takes."""


@dataclass(frozen=True)
class _Wrong:
    """Addresses that an entry of netplan gives to an interface of the fabric beside the planned one, or instead."""

    interface: str
    key: str
    planned: IPv4Interface
    addresses: Sequence[IPv4Interface]

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.addresses))} of {self.interface} (planned is {self.planned})"


@dataclass(eq=False)
class SwitchOn(RunCommand):
    """Set an interface up and wait until its ends agree on a speed, and it has the addresses that it has at boot."""

    interface: str = ""

    def apply(self) -> None:
        """Set it up; one without a cable is not waited for longer than a link takes."""
        expected = self._addresses_at_boot()
        super().apply()
        until = time.monotonic() + LINK_PATIENCE_S
        while time.monotonic() < until:
            self.node.forget()
            link = self.node.network.links.get(self.interface)
            if link and link.up and expected <= set(link.addresses):
                return
            time.sleep(0.2)

    def _addresses_at_boot(self) -> set[IPv4Interface]:
        try:
            return set(self.node.netplan.at_boot([self.interface])[self.interface])
        except UnknownFact:
            return set()


def address(node: Node) -> Iterator[Change]:
    """Make every fabric interface have its planned address, now and at boot."""
    yield from _configure(node, {})


def address_all(cluster: Cluster) -> Changes:
    """Give every node whose addresses are not as planned the planned ones."""
    yield from _one_before_the_others([node for node in cluster.nodes if not _is_addressed(node)], {})


def align_mtus(cluster: Cluster) -> Changes:
    """Give every fabric interface the smallest MTU that any node has there, now and at boot."""
    wanted = dict(cluster.fabric.mtu)
    differ = [node for node in cluster.nodes if any(node.network.links[name].mtu != wanted[name] for name in wanted)]
    yield from _one_before_the_others(differ, wanted)


def shorten_frames(cluster: Cluster) -> Changes:
    """Go down to the MTU that every switch takes where larger frames do not pass."""
    stuck = {address for node in cluster.nodes for address in node.mesh.too_large}
    interfaces = {name for node in cluster.nodes for name, one in node.fabric.items() if str(one.ip) in stuck}
    wanted = {name: ETHERNET_MTU for name in interfaces if cluster.fabric.mtu[name] > ETHERNET_MTU}
    yield from _one_before_the_others(cluster.nodes if wanted else (), wanted)


def switch_on(node: Node) -> Iterator[Change]:
    """Set the CX-7 interfaces up that somebody has set down."""
    for name in node.network.switched_off:
        undo = f"ip link set {name} down"
        yield SwitchOn(node, f"ip link set {name} up", undo_command=undo, foreseeable=False, interface=name)


def switch_on_all(cluster: Cluster) -> Changes:
    """Set the CX-7 interfaces of all nodes up that somebody has set down."""
    yield together(map(switch_on, cluster.nodes))


def remove_detours(node: Node) -> Iterator[Change]:
    """Take out the route that leads a peer's packets away from the fabric, where it leads nothing else."""
    for peer in node.peers:
        for interface, planned in peer.fabric.items():
            route = node.mesh.routes.get(str(planned.ip))
            if route is None or route.interface in (interface, "none", "lo"):
                continue
            entry, selector = (" ".join(map(quote, words.split())) for words in (route.entry, route.selector))
            if route.is_within(planned.network):
                undo = f'test -n "$(ip route show {selector})" || ip route add {entry}'
                yield RunCommand(node, f"ip route del {entry}", undo_command=undo)
            else:
                yield Instruction(
                    node, f"take the route `{route.entry}` out on {node.name} (`ip route del`), and where it comes from"
                )


def make_private(node: Node) -> Iterator[Change]:
    """Take the right to read netplan's files from everybody but root, as netplan itself asks."""
    for file in node.netplan.files:
        if not file.is_private:
            yield SetRights(node, "chmod", file.path, "600", before=file.mode, after="600")


def _is_addressed(node: Node) -> bool:
    plan = node.fabric
    return node.network.live(plan) == {name: (planned,) for name, planned in plan.items()}


def _one_before_the_others(nodes: Sequence[Node], mtus: Mapping[str, int]) -> Changes:
    """Configure one node, and all others at once when it holds: what cuts nodes off then cuts off one."""
    yield from together(_configure(node, mtus) for node in nodes[:1])
    yield together(_configure(node, mtus) for node in nodes[1:])


def _configure(node: Node, mtus: Mapping[str, int]) -> Iterator[Change]:
    """Write our file so that it gives the planned addresses, and the MTUs named here or there already."""
    plan, links = node.fabric, node.network.links
    live = node.network.live(plan)
    consent = _consent(node, {str(one.ip) for name in plan for one in live[name] if one != plan[name]})
    others = [
        *_of_leases(node, plan),
        *_others(node, plan, consent),
        *_of_connections(node, plan, mtus),
        *_of_later_files(node, plan, mtus),
    ]
    yield from others
    if not plan or any(isinstance(change, Instruction) for change in others):
        return
    ours = _ours(node)
    keys = {name: _key(node, name) for name in plan if not _connection_of(node, name)}
    mtus = {name: entry.mtu for name, key in keys.items() if (entry := ours.get(key)) and entry.mtu} | dict(mtus)
    entries = {key: _entry(node, name, key, plan[name], mtus.get(name)) for name, key in keys.items()}
    takes_back = [f"ip addr del {planned} dev {name}" for name, planned in plan.items() if planned not in live[name]]
    takes_back += [f"ip link set {name} mtu {links[name].mtu}" for name in plan if name in mtus]
    text = _HEAD + yaml.safe_dump({"network": {"version": 2, "ethernets": entries}}, sort_keys=False)
    yield WriteNetplan(node, OUR_FILE, text.encode(), mode=0o600, takes_back=takes_back, awaited=plan, consent=consent)


def _consent(node: Node, lost: Container[str]) -> Consent | None:
    """Ask before an address goes by which a swarm knows the node: docker would not start again."""
    with suppress(UnknownFact):
        swarm = node.docker.engine.swarm
        if swarm.state == "active" and swarm.address in lost:
            return Consent("leave-swarm", f"{node.name} loses {swarm.address}, by which its swarm knows it")
    return None


def _entry(node: Node, interface: str, key: str, planned: IPv4Interface, mtu: int | None) -> dict[str, object]:
    # NVIDIA's own file asks for IPv4 link-local addresses, and one of those beside the planned one may be chosen.
    entry: dict[str, object] = {"optional": True, "link-local": ["ipv6"]}
    others = [file.ethernets for file in node.netplan.files if file.path != OUR_FILE]
    if any(entries[key].dhcp4 for entries in others if key in entries):
        entry = {"dhcp4": False, **entry}
    if key in _ours(node) or not _kept_elsewhere(node, interface, planned):
        entry = {"addresses": [str(planned)], **entry}
    return entry | {"mtu": mtu} if mtu else entry


def _ours(node: Node) -> dict[str, BootEntry]:
    return next((file.ethernets for file in node.netplan.files if file.path == OUR_FILE), {})


def _kept_elsewhere(node: Node, interface: str, planned: IPv4Interface) -> bool:
    return node.netplan.at_boot([interface])[interface] == (planned,)


def _key(node: Node, interface: str) -> str:
    """The key under which netplan merges what we write with what another file has for this interface alone."""
    entries = node.netplan.entries
    return next((key for key in node.netplan.keys_of(interface) if not entries[key].is_pattern), interface)


def _connection_of(node: Node, interface: str) -> tuple[str, BootEntry] | None:
    """The connection of NetworkManager's own that the interface has by its UUID: a second entry would be its rival."""
    keys = set(node.netplan.keys_of(interface)) if node.netplan.files else set[str]()
    return next(
        (
            (file.connection, entry)
            for file in node.netplan.files
            if file.connection and file.survives
            for key, entry in file.ethernets.items()
            if key in keys and not entry.is_pattern
        ),
        None,
    )


def _of_connections(node: Node, planned: Mapping[str, IPv4Interface], mtus: Mapping[str, int]) -> Iterator[Instruction]:
    """Tell a person what NetworkManager's own connections have to have: it would write its files anew."""
    for interface, address in planned.items():
        if (found := _connection_of(node, interface)) is None:
            continue
        connection, entry = found
        settings = []
        if entry.addresses != (address,):
            settings.append(f"ipv4.method manual ipv4.addresses {address}")
        if mtus.get(interface) not in (None, node.network.links[interface].mtu):
            settings.append(f"802-3-ethernet.mtu {mtus[interface]}")
        if settings:
            wrong = [str(one) for one in entry.addresses if one != address]
            take = f"take {', '.join(wrong)} out of" if wrong else "correct"
            yield Instruction(
                node,
                f"{take} NetworkManager's connection of {interface} on {node.name}: `sudo nmcli connection modify "
                f"{connection} {' '.join(settings)} && sudo nmcli connection up {connection}`, then run again",
            )


def _of_leases(node: Node, planned: Mapping[str, IPv4Interface]) -> Iterator[Instruction]:
    """Tell a person of addresses by DHCP: with the lease the node might lose its way out, or its name servers."""
    for interface, address in planned.items():
        if node.network.links[interface].leased:
            yield Instruction(
                node,
                f"give {interface} on {node.name} the fixed address {address} in place of its lease by DHCP, which may "
                "bring the node more than the address and therefore stays, then run again",
            )


def _of_later_files(node: Node, planned: Iterable[str], mtus: Mapping[str, int]) -> Iterator[Instruction]:
    """Tell a person what stands in files that netplan reads after ours: of a setting it takes the last."""
    for file in node.netplan.files:
        if file.connection or PurePosixPath(file.path).name <= PurePosixPath(OUR_FILE).name:
            continue
        for interface in planned:
            key, mtu = _key(node, interface), mtus.get(interface)
            entry = file.ethernets.get(key, BootEntry())
            wrong = [f"`mtu: {entry.mtu}`, which has to be {mtu},"] if mtu and entry.mtu not in (None, mtu) else []
            wrong += ["`dhcp4: true`"] if entry.dhcp4 else []
            if wrong:
                place = f"{file.path} on {node.name}, which netplan reads after {OUR_FILE}"
                yield Instruction(node, f"take {' and '.join(wrong)} of {key} out of {place}, then run again")


def _others(node: Node, planned: Mapping[str, IPv4Interface], consent: Consent | None) -> Iterator[Change]:
    """Take other addresses of the fabric's interfaces out of files that are not ours: netplan would keep both."""
    for file in node.netplan.files:
        if file.path == OUR_FILE or (file.connection and file.survives):
            continue  # what NetworkManager keeps: see _of_connections
        wrong = [
            _Wrong(interface, key, planned[interface], addresses)
            for interface in planned
            for key in node.netplan.keys_of(interface)
            if key in file.ethernets
            and (addresses := [one for one in file.ethernets[key].addresses if one != planned[interface]])
        ]
        if wrong and file.path not in node.planned:
            yield _without(node, file, wrong, consent)


def _without(node: Node, file: NetplanFile, wrong: Sequence[_Wrong], consent: Consent | None) -> Change:
    """Take addresses out of a file, or tell a person to where that would not last or could change more."""
    there = read_file(node, file.path, root=True)
    text: str | None = (there.content or b"").decode("utf-8", "surrogateescape")
    for one in wrong:
        if text is not None:
            text = without_addresses(text, one.key, one.addresses)
    if text is not None and file.is_kept:
        content = text.encode("utf-8", "surrogateescape")
        return WriteNetplan(node, file.path, content, made_from=there, consent=consent)
    place = f"{file.path} on {node.name}, and out of what makes that file"
    return Instruction(node, f"take {'; '.join(map(str, wrong))} out of {place}, then run again")
