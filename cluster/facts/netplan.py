"""Step 1: what netplan makes of the interfaces at boot, and what is wrong with its files."""

import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Interface
from pathlib import PurePosixPath

import yaml
from pydantic import BaseModel, ConfigDict

from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import lines, succeeded

NETWORK_MANAGER = "NetworkManager"


class Match(BaseModel):
    """The interfaces that an entry of netplan is for, where its key does not name one; `name` may be a pattern."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    name: str | None = None
    macaddress: str | None = None


class BootEntry(BaseModel):
    """What netplan does with one Ethernet interface at boot; `optional` means that boot does not wait for it."""

    model_config = ConfigDict(frozen=True)

    addresses: tuple[IPv4Interface, ...] = ()
    dhcp4: bool = False
    optional: bool = False
    mtu: int | None = None
    """Bytes; None where netplan leaves it as it is."""
    match: Match | None = None
    set_name: str | None = None
    renderer: str | None = None
    """What brings it up; named for it, for all of its kind, or for all."""

    @property
    def is_pattern(self) -> bool:
        """Whether it may be for several interfaces at once."""
        return self.match is not None and not self.set_name and any(sign in (self.match.name or "") for sign in "*?[")


@dataclass(frozen=True)
class NetplanFile:
    """One file of netplan: its octal mode, and its Ethernet entries by their keys; none where it is not YAML."""

    path: str
    mode: str
    ethernets: dict[str, BootEntry]

    @property
    def is_private(self) -> bool:
        """Whether root alone may read it, as netplan demands since it may hold Wi-Fi passwords.

        Files that came with a package, or are made anew at every boot, are nobody's to change.
        """
        return self.mode.endswith("00") or not self.path.startswith("/etc/")

    @property
    def is_kept(self) -> bool:
        """Whether it stays as somebody edits it; cloud-init writes its own anew, and a package does."""
        return self.path.startswith("/etc/") and "cloud-init" not in self.path

    @property
    def connection(self) -> str | None:
        """The UUID of the connection for which NetworkManager itself writes the file; None where it does not."""
        found = re.fullmatch(r"90-NM-(.+)\.yaml", PurePosixPath(self.path).name)
        return found[1] if found else None

    @property
    def survives(self) -> bool:
        """Whether it is still there after a reboot: what is in /run is not."""
        return not self.path.startswith("/run/")


NO_PROGRAM = 127
"""What a shell ends with where there is no such program."""


def parse_netplan(reading: Reading) -> dict[str, BootEntry]:
    """Read `netplan get` into its Ethernet interfaces, IPv4 only; where it complains, it prints nothing."""
    if complaint := parse_complaint(reading):
        raise ParseError(complaint)
    return _ethernets(succeeded(reading))


def parse_files(reading: Reading) -> tuple[NetplanFile, ...]:
    """Read `MODE PATH BASE64` lines; that a file is no YAML is told by netplan itself, see parse_complaint."""
    files = []
    for line in lines(reading):
        try:
            mode, path, *content = line.split(" ")
            text = b64decode("".join(content), validate=True).decode("utf-8", "replace")
        except ValueError:
            raise ParseError(f"a file did not arrive whole: {line[:60]}") from None
        try:
            ethernets = _ethernets(text)
        except ParseError:
            ethernets = {}
        files.append(NetplanFile(path, mode, ethernets))
    return tuple(files)


_COMPLAINT = re.compile(r"^(?:.*\s)?(/\S+\.yaml:\d+:\d+: .*)$", re.MULTILINE)


def parse_complaint(reading: Reading) -> str:
    """Read the errors of `netplan get`: empty, or its complaint with file, line and column.

    Its exit status tells nothing (netplan 1.1 ends with 0 all the same), and the lines that follow the complaint quote
    the file, which may hold passwords.
    """
    if found := _COMPLAINT.search(reading.err):
        return found[1].strip()
    if reading.exit not in (0, NO_PROGRAM):
        raise ParseError(f"it failed with exit {reading.exit} and named no file")
    return ""


def _ethernets(text: str) -> dict[str, BootEntry]:
    try:
        network = (yaml.safe_load(text) or {}).get("network") or {}
        ethernets = dict(network.get("ethernets") or {})
        renderer = ethernets.pop("renderer", None) or network.get("renderer")
        return {
            str(name): BootEntry(
                addresses=tuple(
                    IPv4Interface(one) for one in map(_address, (entry or {}).get("addresses") or ()) if ":" not in one
                ),
                dhcp4=(entry or {}).get("dhcp4") or False,
                optional=bool((entry or {}).get("optional")),
                mtu=(entry or {}).get("mtu"),
                match=(entry or {}).get("match"),
                set_name=(entry or {}).get("set-name"),
                renderer=(entry or {}).get("renderer") or renderer,
            )
            for name, entry in ethernets.items()
        }
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, LookupError, RecursionError) as error:
        raise ParseError(f"it is not what netplan writes: {(str(error).splitlines() or ['no reason'])[0]}") from None


def _address(written: object) -> str:
    # An address may carry options of its own: `- 10.0.0.1/24: {label: x}`.
    return str(next(iter(written))) if isinstance(written, dict) else str(written)


# Files in /run go with the next reboot; netplan reads them like the others. Of a link the file counts that it leads to,
# as it does for chmod; one to /dev/null, which switches a package's file off, leads to none.
_FILES = """\
for file in /lib/netplan/*.yaml /etc/netplan/*.yaml /run/netplan/*.yaml; do
  test -f "$file" || continue
  echo "$(stat -L -c '%a %n' "$file") $(base64 -w 0 "$file")"
done"""


# It is written in Python, which would keep its modules compiled beside them.
_GET = "PYTHONDONTWRITEBYTECODE=1 netplan get"


class NetplanFacts(Facts):
    """What the interfaces will be after a reboot; `complaint` is netplan's own about its files, empty for none."""

    is_local = True

    entries: dict[str, BootEntry] = fact(_GET, parse_netplan, root=True, private=True)
    complaint: str = fact(_GET, parse_complaint, root=True, private=True)
    files: tuple[NetplanFile, ...] = fact(_FILES, parse_files, root=True, private=True)

    def keys_of(self, interface: str) -> tuple[str, ...]:
        """The keys of the entries that are for an interface, the one of its own name first."""
        found = (key for key, entry in self.entries.items() if self._is_for(interface, key, entry))
        return tuple(sorted(found, key=lambda key: (key != interface, key)))

    def _is_for(self, interface: str, key: str, entry: BootEntry) -> bool:
        match = entry.match
        if match is None or entry.set_name:
            return interface == (entry.set_name or key)
        if match.macaddress:
            links = self.node.network.links
            if interface not in links or links[interface].mac != match.macaddress.lower():
                return False
        elif not match.name:
            return False  # by driver, or whatever NetworkManager gives it to: the entry does not tell
        return match.name is None or fnmatchcase(interface, match.name)

    def at_boot(self, interfaces: Iterable[str]) -> dict[str, tuple[IPv4Interface, ...]]:
        """The addresses that interfaces will have after a reboot."""
        entries, files = self.entries, [file for file in self.files if file.survives]
        lasting = {(key, one) for file in files for key, entry in file.ethernets.items() for one in entry.addresses}
        return {
            name: tuple(
                dict.fromkeys(
                    one for key in self.keys_of(name) for one in entries[key].addresses if (key, one) in lasting
                )
            )
            for name in interfaces
        }

    def awaited(self, interfaces: Iterable[str]) -> tuple[str, ...]:
        """The interfaces for which boot waits up to two minutes while the cable or the peer is off.

        It does not for a connection of NetworkManager's own, which knows no `optional` either.
        """
        found = {name: [self.entries[key] for key in self.keys_of(name)] for name in interfaces}
        waits = {name: [entry for entry in each if entry.renderer != NETWORK_MANAGER] for name, each in found.items()}
        return tuple(name for name, each in waits.items() if each and not any(entry.optional for entry in each))
