"""What others have set for the fabric's interfaces: taken out of their files, or told to a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import PurePosixPath

from cluster.facts.netplan import BootEntry, NetplanFile
from cluster.node import Node
from engine.change import Change, Consent, Instruction
from engine.files import read_file
from engine.network_change import WriteNetplan
from fixers.netplan_files import without_addresses

Planned = Mapping[str, IPv4Interface]
"""The fabric's addresses, by interface."""
OUR_FILE = "/etc/netplan/60-spark-runbook.yaml"


@dataclass(frozen=True)
class _Unplanned:
    """Addresses that an entry of netplan gives to an interface of the fabric beside the planned one, or instead."""

    interface: str
    key: str
    planned: IPv4Interface
    addresses: Sequence[IPv4Interface]

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.addresses))} of {self.interface} (planned is {self.planned})"


def remove_foreign_settings(
    node: Node, planned: Planned, mtus: Mapping[str, int], consent: Consent | None
) -> Iterator[Change]:
    """Take out what would stand beside, or instead of, the planned addresses and the MTUs that are to be written."""
    yield from _instruct_on_leases(node, planned)
    yield from _remove_from_other_files(node, planned, consent)
    yield from _instruct_on_connections(node, planned, mtus)
    yield from _instruct_on_later_files(node, planned, mtus)


def key_of(node: Node, interface: str) -> str:
    """The key under which netplan merges what we write with what another file has for this interface alone."""
    entries = node.netplan.entries
    return next((key for key in node.netplan.keys_of(interface) if not entries[key].is_pattern), interface)


def connection_of(node: Node, interface: str) -> tuple[str, BootEntry] | None:
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


def _instruct_on_leases(node: Node, planned: Planned) -> Iterator[Instruction]:
    """Tell a person of addresses by DHCP: with the lease the node might lose its way out, or its name servers."""
    for interface, address in planned.items():
        if node.network.links[interface].leased:
            yield Instruction(
                node,
                f"give {interface} on {node.name} the fixed address {address} in place of its lease by DHCP, which may "
                "bring the node more than the address and therefore stays, then run again",
            )


def _remove_from_other_files(node: Node, planned: Planned, consent: Consent | None) -> Iterator[Change]:
    """Take other addresses of the fabric's interfaces out of files that are not ours: netplan would keep both."""
    for file in node.netplan.files:
        if file.path == OUR_FILE or (file.connection and file.survives):
            continue  # what NetworkManager keeps: see _instruct_on_connections
        wrong = [
            _Unplanned(interface, key, planned[interface], addresses)
            for interface in planned
            for key in node.netplan.keys_of(interface)
            if key in file.ethernets
            and (addresses := [one for one in file.ethernets[key].addresses if one != planned[interface]])
        ]
        if wrong and file.path not in node.planned:
            yield _remove_addresses(node, file, wrong, consent)


def _remove_addresses(node: Node, file: NetplanFile, wrong: Sequence[_Unplanned], consent: Consent | None) -> Change:
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


def _instruct_on_connections(node: Node, planned: Planned, mtus: Mapping[str, int]) -> Iterator[Instruction]:
    """Tell a person what NetworkManager's own connections have to have: it would write its files anew."""
    for interface, address in planned.items():
        if (found := connection_of(node, interface)) is None:
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


def _instruct_on_later_files(node: Node, planned: Iterable[str], mtus: Mapping[str, int]) -> Iterator[Instruction]:
    """Tell a person what stands in files that netplan reads after ours: of a setting it takes the last."""
    for file in node.netplan.files:
        if file.connection or PurePosixPath(file.path).name <= PurePosixPath(OUR_FILE).name:
            continue
        for interface in planned:
            key, mtu = key_of(node, interface), mtus.get(interface)
            entry = file.ethernets.get(key, BootEntry())
            wrong = [f"`mtu: {entry.mtu}`, which has to be {mtu},"] if mtu and entry.mtu not in (None, mtu) else []
            wrong += ["`dhcp4: true`"] if entry.dhcp4 else []
            if wrong:
                place = f"{file.path} on {node.name}, which netplan reads after {OUR_FILE}"
                yield Instruction(node, f"take {' and '.join(wrong)} of {key} out of {place}, then run again")
