"""Step 1: RDMA as the kernel offers it, from /sys alone, and what NCCL was told about it in files."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from cluster.facts.base import Facts, Reading, fact
from cluster.facts.parse import text

ROCE_V2 = "RoCE v2"


@dataclass(frozen=True)
class Gid:
    """One entry of a port's table of addresses; `kind` is `RoCE v2` or `IB/RoCE v1`."""

    address: IPv4Address | IPv6Address
    kind: str


@dataclass
class RdmaPort:
    """One port of an RDMA device and the interface it belongs to."""

    device: str
    interface: str = ""
    state: str = "unknown"
    link_layer: str = "unknown"
    verbs: str = ""
    """The name of its device node below /dev/infiniband, empty where it has none."""
    gids: dict[int, Gid] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Whether it is up, over Ethernet: NCCL passes over any other."""
        return (self.state, self.link_layer) == ("ACTIVE", "Ethernet")

    def index_of(self, address: IPv4Address) -> int | None:
        """The index under which RoCE v2 speaks from an IPv4 address, if there is one."""
        return next((i for i, gid in self.gids.items() if gid.kind == ROCE_V2 and gid.address == address), None)


_LINE = re.compile(r"/sys/class/infiniband/([^/\s]+)/(?:ports/1/)?(\S+?):(.*)", re.ASCII)


def parse_devices(reading: Reading) -> dict[str, RdmaPort]:
    """Read `FILE:CONTENT` and `DIRECTORY:` lines of /sys/class/infiniband and /dev/infiniband, by interface."""
    devices: dict[str, RdmaPort] = {}
    nodes = set(re.findall(r"^/dev/infiniband/(\S+):", reading.out, re.MULTILINE))
    kinds: dict[tuple[str, int], str] = {}
    for line in reading.out.splitlines():
        if not (found := _LINE.fullmatch(line)):
            continue
        name, what, said = found[1], found[2], found[3].strip()
        port = devices.setdefault(name, RdmaPort(name))
        kind, _, last = what.rpartition("/")
        match kind or last:
            case "device/net":
                port.interface = last
            case "device/infiniband_verbs":
                port.verbs = last if last in nodes else ""
            case "state":
                port.state = said.partition(": ")[2] or said
            case "link_layer":
                port.link_layer = said
            case "gid_attrs/types" if last.isdecimal() and len(last) < 6:
                kinds[name, int(last)] = said
            case "gids" if last.isdecimal() and len(last) < 6 and (address := _address(said)):
                port.gids[int(last)] = Gid(address, "")
    for name, port in devices.items():
        port.gids = {i: Gid(gid.address, kinds[name, i]) for i, gid in port.gids.items() if (name, i) in kinds}
    return {port.interface: port for port in devices.values() if port.interface}


def _address(written: str) -> IPv4Address | IPv6Address | None:
    try:
        address = IPv6Address(written)
    except ValueError:
        return None
    if not int(address):
        return None
    return address.ipv4_mapped or address


def parse_pins(reading: Reading) -> dict[str, int]:
    """Read `FILE:LINE` where NCCL_IB_GID_INDEX is set, by file; -1 leaves the choice to NCCL and is none."""
    found = (
        re.match(r"(/[^:]*):[^#]*\bNCCL_IB_GID_INDEX\s*=\s*[\"']?(\d{1,5})\b", line, re.ASCII)
        for line in reading.out.splitlines()
    )
    return {one[1]: int(one[2]) for one in found if one}


def _kilobytes(name: str) -> Callable[[Reading], int | None]:
    def parse(reading: Reading) -> int | None:
        found = re.search(rf"^{name}:\s+(\d{{1,18}}) kB", reading.out, re.MULTILINE | re.ASCII)
        return int(found[1]) if found else None

    return parse


# A GID that is not in use has no type: reading it is an error, which says nothing here.
_DEVICES = """\
cd /sys/class/infiniband 2>/dev/null || exit 0
here=/sys/class/infiniband
grep -sH . $here/*/ports/1/state $here/*/ports/1/link_layer $here/*/ports/1/gid_attrs/types/* $here/*/ports/1/gids/*
for one in $here/*/device/net/* $here/*/device/infiniband_verbs/* /dev/infiniband/*; do
  test -e "$one" && echo "$one:"
done
true"""

PIN_FILES = "/etc/environment /etc/nccl.conf ~/.nccl.conf /etc/profile.d/*.sh ~/.profile ~/.bashrc"
_MEMORY = "grep -E '^Cma(Total|Free):' /proc/meminfo || true"


class RdmaFacts(Facts):
    """RDMA ports by interface, GID indexes pinned in files, and the memory that the kernel sets aside, in kB."""

    devices: dict[str, RdmaPort] = fact(_DEVICES, parse_devices)
    pins: dict[str, int] = fact(f"grep -sH NCCL_IB_GID_INDEX {PIN_FILES} || true", parse_pins)
    perftest: str = fact("command -v ib_write_bw || echo none", text)
    """Where ib_write_bw is, or `none`."""
    cma_total: int | None = fact(_MEMORY, _kilobytes("CmaTotal"))
    cma_free: int | None = fact(_MEMORY, _kilobytes("CmaFree"))
