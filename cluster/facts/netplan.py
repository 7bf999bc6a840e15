"""Step 1: what netplan makes of the interfaces at boot, and what is wrong with its files."""

import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Interface

import yaml
from pydantic import BaseModel, ConfigDict

from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import lines, succeeded


class BootEntry(BaseModel):
    """What netplan does with one Ethernet interface at boot; `optional` means that boot does not wait for it."""

    model_config = ConfigDict(frozen=True)

    addresses: tuple[IPv4Interface, ...] = ()
    optional: bool = False
    mtu: int | None = None
    """Bytes; None where netplan leaves it as it is."""


@dataclass(frozen=True)
class NetplanFile:
    """One file of netplan: its octal mode, and the Ethernet interfaces it speaks of; none where it is not YAML."""

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
        data = yaml.safe_load(text) or {}
        ethernets = (data.get("network") or {}).get("ethernets") or {}
        return {
            str(name): BootEntry(
                addresses=tuple(
                    IPv4Interface(one) for one in map(_address, (entry or {}).get("addresses") or ()) if ":" not in one
                ),
                optional=bool((entry or {}).get("optional")),
                mtu=(entry or {}).get("mtu"),
            )
            for name, entry in ethernets.items()
        }
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, LookupError, RecursionError) as error:
        raise ParseError(f"it is not what netplan writes: {(str(error).splitlines() or ['no reason'])[0]}") from None


def _address(written: object) -> str:
    # An address may carry options of its own: `- 10.0.0.1/24: {label: x}`.
    return str(next(iter(written))) if isinstance(written, dict) else str(written)


# Files in /run go with the next reboot; netplan reads them like the others.
_FILES = """\
for file in /lib/netplan/*.yaml /etc/netplan/*.yaml /run/netplan/*.yaml; do
  test -e "$file" || continue
  echo "$(stat -c '%a %n' "$file") $(base64 -w 0 "$file")"
done"""


class NetplanFacts(Facts):
    """What the interfaces will be after a reboot; `complaint` is netplan's own about its files, empty for none."""

    is_local = True

    entries: dict[str, BootEntry] = fact("netplan get", parse_netplan, root=True, private=True)
    complaint: str = fact("netplan get", parse_complaint, root=True, private=True)
    files: tuple[NetplanFile, ...] = fact(_FILES, parse_files, root=True, private=True)

    def at_boot(self, interfaces: Iterable[str]) -> dict[str, tuple[IPv4Interface, ...]]:
        """The addresses that interfaces will have after a reboot."""
        entries, files = self.entries, [file for file in self.files if file.survives]
        lasting = {(name, one) for file in files for name, entry in file.ethernets.items() for one in entry.addresses}
        return {
            name: tuple(one for one in entries[name].addresses if (name, one) in lasting) if name in entries else ()
            for name in interfaces
        }

    def awaited(self, interfaces: Iterable[str]) -> tuple[str, ...]:
        """The interfaces for which boot waits up to two minutes while the cable or the peer is off."""
        entries = self.entries
        return tuple(name for name in interfaces if name in entries and not entries[name].optional)
