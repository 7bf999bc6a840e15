"""Where nodes may be: named by the user, in ssh_config, announced by mDNS, or next to us on the fabric."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zeroconf import InterfaceChoice, IPVersion, ServiceBrowser, ServiceListener, Zeroconf

from cluster.errors import InventoryError
from cluster.ssh_config import hosts
from cluster.ssh_target import entry_of

LISTEN_S = 3.0
"""mDNS answers within a second, but for a host that was asked by somebody else just before."""

_SERVICES = ["_ssh._tcp.local.", "_workstation._tcp.local."]
_LOOKS_LIKE_ONE = re.compile(r"spark|dgx|gb10|gx10|zgx", re.IGNORECASE)
"""DGX Spark, and what its relatives of other makers are called."""


@dataclass(frozen=True)
class Candidate:
    """A place where a node may be; `found_by` says how we came to think so."""

    address: str
    found_by: str
    user: str | None = None
    port: int | None = None
    name: str | None = None


def named(words: Iterable[str]) -> Iterator[Candidate]:
    """Read what a person named: HOST, USER@HOST or USER@HOST:PORT.

    Raises:
        InventoryError: One of them is no such thing.
    """
    for word in words:
        try:
            entry = entry_of(word)
        except ValueError:
            raise InventoryError(f"{word} cannot be understood: write HOST, USER@HOST or USER@HOST:PORT.") from None
        yield Candidate(str(entry.address), "named", entry.user, entry.port)


def in_ssh_config(path: Path) -> Iterator[Candidate]:
    """List the hosts of an ssh_config that are called like a Spark.

    Raises:
        InventoryError: The file cannot be read.
    """
    for alias, host in sorted(hosts(path).items()):
        if _LOOKS_LIKE_ONE.search(alias) or _LOOKS_LIKE_ONE.search(host):
            yield Candidate(alias, str(path))


class _Heard(ServiceListener):
    """Keeps the services whose names look like a Spark's."""

    def __init__(self) -> None:
        self.services: set[tuple[str, str]] = set()

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:  # noqa: ARG002 - as zeroconf calls it
        if _LOOKS_LIKE_ONE.search(name):
            self.services.add((type_, name))

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.add_service(zc, type_, name)

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:  # noqa: ARG002 - as zeroconf calls it
        self.services.discard((type_, name))


def announced(
    seconds: float = LISTEN_S, interfaces: list[str] | InterfaceChoice = InterfaceChoice.All
) -> list[Candidate]:
    """Listen to mDNS for hosts that are called like a Spark; no answer is an empty list, and so is no network."""
    try:
        network = Zeroconf(interfaces, ip_version=IPVersion.V4Only)
    except OSError:
        return []
    heard = _Heard()
    try:
        ServiceBrowser(network, _SERVICES, listener=heard)
        time.sleep(seconds)
        infos = [network.get_service_info(kind, name, 1000) for kind, name in sorted(heard.services)]
        addresses = {
            (address, str(info.server or "").removesuffix(".").removesuffix(".local"))
            for info in infos
            if info
            for address in info.parsed_addresses(IPVersion.V4Only)
        }
        return [Candidate(address, "mDNS", name=name or None) for address, name in sorted(addresses)]
    finally:
        network.close()


def beside_us(sysfs: Path = Path("/sys/class/net")) -> list[Candidate]:
    """List this machine, if it has a ConnectX port, and who answers on the other end of its cables."""
    ports = [port.name for port in sorted(sysfs.glob("*")) if (port / "device/driver").resolve().name == "mlx5_core"]
    if not ports:
        return []
    asked = subprocess.run(["ip", "-j", "-4", "neigh"], capture_output=True, text=True, check=False)
    return [Candidate(socket.gethostname(), "this machine"), *neighbours(asked.stdout, ports)]


def neighbours(told: str, ports: Iterable[str]) -> list[Candidate]:
    """Read `ip -j neigh`: those behind these ports whose hardware address is known, so that somebody answered."""
    try:
        entries = json.loads(told or "[]")
    except ValueError:
        return []
    return [
        Candidate(str(entry["dst"]), f"neighbour on {entry['dev']}")
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and entry.get("dev") in list(ports) and entry.get("lladdr") and entry.get("dst")
    ]
