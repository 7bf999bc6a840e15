"""Step 1: interfaces, addresses, and what survives a reboot."""

import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Interface

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import lines, load_json, succeeded, validated


class Link(BaseModel):
    """One network interface: `up` is its operational state, addresses are global and link-local IPv4."""

    model_config = ConfigDict(frozen=True)

    name: str
    up: bool
    mtu: int
    addresses: tuple[IPv4Interface, ...]


class _Address(BaseModel):
    family: str
    local: str = ""
    prefixlen: int = 32


class _Interface(BaseModel):
    ifname: str = ""
    operstate: str = "UNKNOWN"
    mtu: int = 0
    addr_info: list[_Address] = Field(default_factory=list)


def parse_links(reading: Reading) -> dict[str, Link]:
    """Read `ip -j addr show`; iproute2 before 5.0 pads its list with empty objects."""
    found = validated(TypeAdapter(list[_Interface]), load_json(succeeded(reading)))
    try:
        return {
            one.ifname: Link(
                name=one.ifname,
                up=one.operstate == "UP",
                mtu=one.mtu,
                addresses=tuple(
                    IPv4Interface((info.local, info.prefixlen)) for info in one.addr_info if info.family == "inet"
                ),
            )
            for one in found
            if one.ifname
        }
    except ValueError as error:
        raise ParseError(f"it shows an address that is none: {error}") from None


def parse_ports(reading: Reading) -> dict[str, bool]:
    """Read lines such as `rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)`, in any order; other lines are passed over."""
    return {
        found[1]: found[2] == "Up"
        for line in reading.out.splitlines()
        if (found := re.search(r"==>\s+(\S+)\s+\((Up|Down)\)", line))
    }


def parse_speeds(reading: Reading) -> dict[str, int | None]:
    """Read `interface Speed: 200000Mb/s` lines into Mb/s; None where there is no link."""
    speeds: dict[str, int | None] = {}
    for line in lines(reading):
        name, _, rest = line.partition(" ")
        found = re.search(r"Speed:\s*(\d{1,9})Mb/s", rest)
        speeds[name] = int(found[1]) if found else None
    return speeds


class BootEntry(BaseModel):
    """What netplan does with one Ethernet interface at boot; `optional` means that boot does not wait for it."""

    model_config = ConfigDict(frozen=True)

    addresses: tuple[IPv4Interface, ...] = ()
    optional: bool = False


def parse_netplan(reading: Reading) -> dict[str, BootEntry]:
    """Read `netplan get` into its Ethernet interfaces, IPv4 only."""
    return _ethernets(succeeded(reading))


def _ethernets(text: str) -> dict[str, BootEntry]:
    try:
        data = yaml.safe_load(text) or {}
        ethernets = (data.get("network") or {}).get("ethernets") or {}
        return {
            str(name): BootEntry(
                addresses=tuple(
                    IPv4Interface(str(one)) for one in (entry or {}).get("addresses") or () if ":" not in str(one)
                ),
                optional=bool((entry or {}).get("optional")),
            )
            for name, entry in ethernets.items()
        }
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, LookupError, RecursionError) as error:
        raise ParseError(f"it is not what netplan writes: {(str(error).splitlines() or ['no reason'])[0]}") from None


@dataclass(frozen=True)
class NetplanFile:
    """One file of netplan: its octal mode, and the Ethernet interfaces it speaks of."""

    path: str
    mode: str
    ethernets: dict[str, BootEntry]

    @property
    def is_private(self) -> bool:
        """Whether root alone may read it, as netplan demands since it may hold Wi-Fi passwords."""
        return self.mode.endswith("00")


def parse_files(reading: Reading) -> tuple[NetplanFile, ...]:
    """Read `MODE PATH BASE64` lines."""
    files = []
    for line in lines(reading):
        try:
            mode, path, *content = line.split(" ")
            text = b64decode("".join(content), validate=True).decode("utf-8", "replace")
        except ValueError:
            raise ParseError(f"a file did not arrive whole: {line[:60]}") from None
        files.append(NetplanFile(path, mode, _ethernets(text)))
    return tuple(files)


# ibdev2netdev comes with DOCA; without it the kernel says which interfaces belong to a Mellanox driver.
_PORTS = """\
if command -v ibdev2netdev >/dev/null; then ibdev2netdev; else
  for net in /sys/class/net/*; do
    case "$(readlink -f "$net/device/driver" 2>/dev/null)" in */mlx5_core)
      test "$(cat "$net/operstate")" = up && state=Up || state=Down
      echo "mlx5 port 1 ==> ${net##*/} ($state)";;
    esac
  done
fi"""

_SPEEDS = """\
for net in /sys/class/net/e*; do
  test -e "$net" || continue
  echo "${net##*/} $(ethtool "${net##*/}" 2>/dev/null | grep 'Speed:')"
done"""

_FILES = """\
for file in /etc/netplan/*.yaml; do
  test -e "$file" || continue
  echo "$(stat -c '%a %n' "$file") $(base64 -w 0 "$file")"
done"""


class NetworkFacts(Facts):
    """Interfaces as they are, and as netplan makes them at boot."""

    links: dict[str, Link] = fact("ip -j addr show", parse_links)
    ports: dict[str, bool] = fact(_PORTS, parse_ports)
    speeds: dict[str, int | None] = fact(_SPEEDS, parse_speeds)
    netplan: dict[str, BootEntry] = fact("netplan get", parse_netplan, root=True, private=True)
    netplan_files: tuple[NetplanFile, ...] = fact(_FILES, parse_files, root=True, private=True)

    @property
    def cabled(self) -> tuple[str, ...]:
        """The CX-7 interfaces that have a link, by name."""
        return tuple(sorted((name for name, up in self.ports.items() if up), key=str.lower))

    def live(self, interfaces: Iterable[str]) -> dict[str, tuple[IPv4Interface, ...]]:
        """The addresses that interfaces have now."""
        links = self.links
        return {name: links[name].addresses if name in links else () for name in interfaces}

    def at_boot(self, interfaces: Iterable[str]) -> dict[str, tuple[IPv4Interface, ...]]:
        """The addresses that interfaces will have after a reboot."""
        entries = self.netplan
        return {name: entries[name].addresses if name in entries else () for name in interfaces}

    def awaited(self, interfaces: Iterable[str]) -> tuple[str, ...]:
        """The interfaces for which boot waits up to two minutes while the cable or the peer is off."""
        entries = self.netplan
        return tuple(name for name in interfaces if name in entries and not entries[name].optional)
