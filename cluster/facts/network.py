"""Step 1: interfaces, their addresses, and what listens there."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Interface

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import lines, load_json, succeeded, validated


class Link(BaseModel):
    """One network interface: `on` is what was asked of it, `up` its operational state; addresses are IPv4."""

    model_config = ConfigDict(frozen=True)

    name: str
    up: bool
    mtu: int
    addresses: tuple[IPv4Interface, ...]
    leased: tuple[IPv4Interface, ...] = ()
    """Those of the addresses that a DHCP server gave for a time."""
    on: bool = True
    mac: str = ""


class _Address(BaseModel):
    family: str
    local: str = ""
    prefixlen: int = 32
    dynamic: bool = False


class _Interface(BaseModel):
    ifname: str = ""
    operstate: str = "UNKNOWN"
    flags: list[str] = Field(default_factory=list)
    mtu: int = 0
    address: str = ""
    addr_info: list[_Address] = Field(default_factory=list)


_INTERFACES = TypeAdapter(list[_Interface])


# Names stand in commands. Linux takes nearly any, and those of network cards hold no more than this.
_NAME = re.compile(r"[\w.:@-]+", re.ASCII)


def parse_links(reading: Reading) -> dict[str, Link]:
    """Read `ip -j addr show`; iproute2 before 5.0 pads its list with empty objects."""
    found = validated(_INTERFACES, load_json(succeeded(reading)))
    try:
        return {
            one.ifname: Link(
                name=one.ifname,
                up=one.operstate == "UP",
                on="UP" in one.flags,
                mtu=one.mtu,
                mac=one.address.lower(),
                addresses=_ipv4(one.addr_info),
                leased=_ipv4(info for info in one.addr_info if info.dynamic),
            )
            for one in found
            if _NAME.fullmatch(one.ifname)
        }
    except ValueError as error:
        raise ParseError(f"it shows an address that is none: {error}") from None


def _ipv4(shown: Iterable[_Address]) -> tuple[IPv4Interface, ...]:
    return tuple(IPv4Interface((one.local, one.prefixlen)) for one in shown if one.family == "inet")


def parse_ports(reading: Reading) -> dict[str, bool]:
    """Read lines such as `rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)`, in any order; other lines are passed over."""
    return {
        found[1]: found[2] == "Up"
        for line in reading.out.splitlines()
        if (found := re.search(r"==>\s+([\w.:@-]+)\s+\((Up|Down)\)", line, re.ASCII))
    }


def parse_listening(reading: Reading) -> frozenset[str]:
    """Read `ss -H -l -n -t -u` into ADDRESS:PORT/PROTOCOL, the address as ss writes it."""
    found = (re.match(r"(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S+:\d{1,5})\s", line + " ") for line in lines(reading))
    return frozenset(f"{one[2]}/{one[1]}" for one in found if one)


# The kernel says which interfaces belong to a Mellanox driver. ibdev2netdev, which comes with DOCA, has the last word
# on those that it knows: it leaves out any without an RDMA device.
_PORTS = """\
for net in /sys/class/net/*; do
  case "$(readlink -f "$net/device/driver" 2>/dev/null)" in */mlx5_core)
    test "$(cat "$net/operstate")" = up && state=Up || state=Down
    echo "mlx5 port 1 ==> ${net##*/} ($state)";;
  esac
done
if command -v ibdev2netdev >/dev/null; then ibdev2netdev; fi"""


class NetworkFacts(Facts):
    """Interfaces as they are, and what listens."""

    links: dict[str, Link] = fact("ip -j addr show", parse_links)
    ports: dict[str, bool] = fact(_PORTS, parse_ports)
    listening: frozenset[str] = fact("ss -H -l -n -t -u", parse_listening)

    @property
    def ips(self) -> set[str]:
        """Every IPv4 address that an interface has, without its network."""
        return {str(address.ip) for link in self.links.values() for address in link.addresses}

    @property
    def cabled(self) -> tuple[str, ...]:
        """The CX-7 interfaces that have a link, by name."""
        return tuple(sorted((name for name, up in self.ports.items() if up), key=str.lower))

    @property
    def switched_off(self) -> tuple[str, ...]:
        """The CX-7 interfaces that somebody has set down: no cable helps them."""
        links = self.links
        return tuple(name for name in sorted(self.ports) if name in links and not links[name].on)

    @property
    def idle_twins(self) -> tuple[str, ...]:
        """The CX-7 interfaces that somebody has set down although the other interface of their port has a link."""
        cabled = {_port(name) for name in self.cabled}
        return tuple(name for name in self.switched_off if _port(name) in cabled)

    def live(self, interfaces: Iterable[str]) -> dict[str, tuple[IPv4Interface, ...]]:
        """The addresses that interfaces have now."""
        links = self.links
        return {name: links[name].addresses if name in links else () for name in interfaces}


def _port(interface: str) -> str:
    # A Spark has every port twice, in two PCIe domains: enp1s0f1np1 and enP2p1s0f1np1.
    return re.sub(r"^enP\d+p", "enp", interface)
