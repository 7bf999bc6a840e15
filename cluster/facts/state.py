"""What else a node is: the settings nobody asked about, kept to find out what differs when something fails."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from sys import intern
from typing import Any

from cluster.errors import UnknownFact
from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import lines, load_json, succeeded

State = dict[str, str]
"""Values by name, of one subject; what nodes have alike, which is most of it, is there once."""

_COUNTERS = re.compile(r"\.(random|ns_last_pid|pty\.nr|nf_conntrack_count|.*_id_hash.*|stable_secret|sched_domain)")
_MOST_TELLING = ("links", "routes", "firewall", "units", "docker")
_PASSING = re.compile(r"^(veth|br-|docker|vxlan)|^lo$")
_ENVIRONMENT = re.compile(r"^(PATH|LANG|LC_\w+|LD_\w+|NCCL_\w+|CUDA_\w+|NVIDIA_\w+|\w+_PROXY|\w+_proxy)$")


def pairs(separator: str | None, keep: Callable[[str], bool] = lambda _: True) -> Callable[[Reading], State]:
    """Build a parser for lines of a name and a value; without a value the name is there or it is not."""

    def parse(reading: Reading) -> State:
        found = {}
        for line in lines(reading):
            name, _, value = (part.strip() for part in line.partition(separator or "\0"))
            if keep(name):
                found[intern(name)] = intern(" ".join(value.split()) or "there")
        return found

    return parse


def _links(reading: Reading) -> State:
    return {
        name: f"{link.get('operstate')}, MTU {link.get('mtu')}, {' '.join(sorted(map(str, _list(link.get('flags')))))}"
        for link in _list(load_json(succeeded(reading)))
        if isinstance(link, Mapping) and not _PASSING.search(name := str(link.get("ifname", "")))
    }


def _list(value: Any) -> Iterable[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ParseError("a list was expected")
    return value


def _settings(reading: Reading) -> State:
    found: dict[str, list[str]] = {}
    for line in lines(reading):
        path, _, value = line.removeprefix("/proc/sys/").partition(":")
        name = path.replace("/", ".")
        if not _COUNTERS.search(name) and not re.search(r"\.(veth|br-|docker)", name):
            found.setdefault(name, []).extend(value.split())
    return {intern(name): intern(" ".join(words) or "there") for name, words in found.items()}


def _full(reading: Reading) -> State:
    found = {}
    for line in lines(reading)[1:]:
        share, _, place = line.strip().partition("% ")
        used = share.rpartition(" ")[2]
        if used.isdecimal() and len(used) <= 3:
            found[place] = "95 % full or more" if int(used) >= 95 else "has room"
    return found


# Docker makes and drops rules and routes as containers come and go; counters and the names of links in a rule stay out.
_FIREWALL = """\
{ iptables-save 2>/dev/null; nft list ruleset 2>/dev/null; } \
| grep -vi docker | grep -v '^#' | sed 's/\\[[0-9]*:[0-9]*\\]//; s/counter packets [0-9]* bytes [0-9]*//'"""

# The links are what `systemctl enable` and `mask` make; to have it list them takes it a second.
_ENABLED = """\
find /etc/systemd/system -type l -printf '%P %l\\n' | awk '{print $1, $2 == "/dev/null" ? "masked" : "enabled"}'"""

_FILES = """\
find /etc -xdev -type f -size -1024k -not -path '/etc/ssl/*' -not -path '/etc/alternatives/*' -not -name '*shadow*' \
  -not -name 'ssh_host_*' -not -name '*.key' -not -name '*.cache' -not -name '*-' -exec sha256sum '{}' +"""

_MODES = """\
stat -c '%n %A %U:%G' / /tmp /var /var/tmp /home ~ ~/.ssh /etc/docker /var/lib/docker /var/run/docker.sock \
  /dev/shm /dev/null /dev/nvidia* /dev/infiniband/* 2>/dev/null || true"""

_HARDWARE = """\
echo "kernel $(uname -r)"; echo "command line $(cat /proc/cmdline)"
grep -m 1 MemTotal /proc/meminfo | sed 's/:/ /'; echo "processors $(nproc)"
for file in bios_version board_version product_version; do
  test -r /sys/class/dmi/id/$file && echo "$file $(cat /sys/class/dmi/id/$file)"
done
cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor 2>/dev/null | sort | uniq -c | sed 's/^/governor /'
for device in /sys/bus/pci/devices/*; do
  test -e "$device" && echo "PCI ${device##*/} $(cat "$device/vendor" "$device/device" | tr '\\n' ' ')"
done
true"""


class StateFacts(Facts):
    """What a node is beyond what the checks ask, subject by subject, from the most telling to the least."""

    links: State = fact("ip -j link show", _links)
    routes: State = fact(
        "ip route show; ip rule show", pairs(None, lambda line: not re.search("docker|br-|veth", line))
    )
    firewall: State = fact(_FIREWALL, pairs(None), root=True)
    units: State = fact(
        f"{_ENABLED}; "
        'systemctl list-units --state=failed --no-legend --plain | awk \'{print $1 " (now)", "failed"}\'',
        pairs(" ", lambda name: not re.search(r"@|^(session|user|run|var|proc|sys|dev|docker-)-?", name)),
    )
    files: State = fact(f"{_FILES} | awk '{{print $2, substr($1, 1, 12)}}'", pairs(" "), root=True, timeout_s=20)
    modes: State = fact(_MODES, pairs(" "), root=True)
    disks: State = fact("df -P -x tmpfs -x overlay -x squashfs -x devtmpfs 2>/dev/null || true", _full)
    mounts: State = fact(
        "findmnt -rn -t nooverlay -o TARGET,FSTYPE,OPTIONS",
        pairs(" ", lambda name: not name.startswith(("/run", "/var/lib/docker", "/proc", "/sys"))),
    )
    modules: State = fact("cut -d ' ' -f 1 /proc/modules", pairs(None))
    settings: State = fact("grep -rs '' /proc/sys --exclude-dir=fs || true", _settings, root=True)
    environment: State = fact("env", pairs("=", lambda name: bool(_ENVIRONMENT.match(name))))
    packages: State = fact("dpkg-query -W -f '${Package} ${Version}\\n'", pairs(" "))
    hardware: State = fact(_HARDWARE, pairs(" "))

    @property
    def docker(self) -> State:
        """What its docker tells of itself, as step 2 has read it."""
        return self.node.docker.details

    @property
    def known(self) -> dict[str, State]:
        """All subjects that could be read, in order; one that could not be is left out."""
        found = {}
        for name in dict.fromkeys((*_MOST_TELLING, *self.readings)):
            with suppress(UnknownFact):
                found[name] = getattr(self, name)
        return found
