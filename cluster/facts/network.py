"""Step 1: interfaces, addresses, and what survives a reboot."""

import re
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
        found = re.search(r"Speed:\s*(\d+)Mb/s", rest)
        speeds[name] = int(found[1]) if found else None
    return speeds


def parse_persisted(reading: Reading) -> dict[str, tuple[IPv4Interface, ...]]:
    """Read `netplan get`: the static IPv4 addresses that each Ethernet interface gets at boot."""
    try:
        data = yaml.safe_load(succeeded(reading)) or {}
        ethernets = (data.get("network") or {}).get("ethernets") or {}
        return {
            str(name): tuple(
                IPv4Interface(str(one)) for one in (entry or {}).get("addresses", []) if ":" not in str(one)
            )
            for name, entry in ethernets.items()
        }
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise ParseError(f"it is not what netplan prints: {str(error).splitlines()[0]}") from None


def parse_modes(reading: Reading) -> dict[str, str]:
    """Read `stat -c '%a %n'` lines into path -> octal mode."""
    modes = {}
    for line in reading.out.splitlines():
        mode, _, path = line.partition(" ")
        if mode.isdigit() and path:
            modes[path] = mode
    return modes


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


class NetworkFacts(Facts):
    """Interfaces as they are, and as netplan makes them at boot."""

    links: dict[str, Link] = fact("ip -j addr show", parse_links)
    ports: dict[str, bool] = fact(_PORTS, parse_ports)
    speeds: dict[str, int | None] = fact(_SPEEDS, parse_speeds)
    persisted: dict[str, tuple[IPv4Interface, ...]] = fact("netplan get", parse_persisted, root=True)
    netplan_modes: dict[str, str] = fact(
        "stat -c '%a %n' /etc/netplan/*.yaml /lib/netplan/*.yaml /run/netplan/*.yaml 2>/dev/null",
        parse_modes,
        root=True,
    )
