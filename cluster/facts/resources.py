"""Step 1: what a node has to spare: disk, memory, and processes that do not get on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING

from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.docker import FIND_ROOT
from cluster.facts.parse import lines, succeeded, text

if TYPE_CHECKING:
    from cluster.node import Node

GB = 10**9


@dataclass(frozen=True)
class Disk:
    """The file system that a directory lies on, or will lie on; sizes in bytes, `free` as a user may fill it.

    Directories of one `device` share its space.
    """

    place: str
    device: int
    used: int
    free: int
    inodes: int
    inodes_used: int

    @property
    def used_percent(self) -> float:
        """How full it is, as df tells it."""
        return round(100 * self.used / max(1, self.used + self.free), 1)

    @property
    def inodes_percent(self) -> float:
        """How many of its inodes are used, in percent; 0 where it does not count them."""
        return round(100 * self.inodes_used / self.inodes, 1) if self.inodes else 0.0


def _disks(reading: Reading) -> tuple[Disk, ...]:
    return tuple(_disk(line) for line in lines(reading))


def _disk(line: str) -> Disk:
    found = re.fullmatch(
        r"\s*(\d{1,18})\s+(\d{1,18})\s+(\d{1,18}|-)\s+(\d{1,18}|-)\s+(\d{1,18})\s(/.*)", line, re.ASCII
    )
    if not found:
        raise ParseError(f"this is no line of a file system: {line[:80]}")
    used, free, inodes, inodes_used = (0 if word == "-" else int(word) for word in found.groups()[:4])
    return Disk(found[6], int(found[5]), used, free, inodes, inodes_used)


def _sizes(reading: Reading) -> dict[str, int]:
    return {path.rpartition("/")[2]: size for path, size in _by_path(reading)}


def _sizes_by_parent(reading: Reading) -> dict[str, int]:
    return {path.split("/")[-2]: size for path, size in _by_path(reading)}


def _by_path(reading: Reading) -> Iterator[tuple[str, int]]:
    for line in lines(reading):
        size, _, path = line.partition("\t")
        if not (size.isascii() and size.isdecimal() and len(size) < 19 and path.count("/") > 1):
            raise ParseError(f"this is no size of a directory: {line[:80]}")
        yield path, int(size)


def _available(reading: Reading) -> float:
    found = re.search(r"^MemAvailable:\s+(\d{1,15}) kB$", succeeded(reading), re.MULTILINE | re.ASCII)
    if not found:
        raise ParseError("it has no MemAvailable")
    return round(int(found[1]) * 1024 / GB, 1)


def _largest(reading: Reading) -> str:
    words = succeeded(reading).split()
    if len(words) < 2 or not (words[0].isascii() and words[0].isdecimal() and len(words[0]) < 16):
        raise ParseError("it names no process")
    return f"{' '.join(words[1:])} holds {int(words[0]) * 1024 / GB:.1f} GB"


CLIMB = 'while test ! -e "$path"; do path=$(dirname "$path"); done'
"""Shell for what is not there yet: it will lie where the directory above it does."""


def _disk_places(node: "Node") -> str:
    places = " ".join(quote(place) for place in (node.cluster.workspace, node.cluster.model_cache))
    return f"""\
{FIND_ROOT}
for place in / "${{root:-/var/lib/docker}}" {places}; do
  path=$place; {CLIMB}
  echo "$(df -B1 --output=used,avail,itotal,iused "$path" | tail -n 1) $(stat -L -c %d "$path") $place"
done"""


def _workspace_source(node: "Node") -> str:
    return f"""\
path={quote(node.cluster.workspace)}; {CLIMB}
df --output=source "$path" | tail -n 1"""


def _server(reading: Reading) -> str:
    source = text(reading)
    # NFS and Ceph write HOST:/PATH, SMB //HOST/SHARE.
    return source if re.match(r"//|[^/]+:/", source) else ""


def _model_sizes(node: "Node") -> str:
    hub = quote(f"{node.cluster.model_cache}/hub")
    return _sizes_in(hub, "-mindepth 1 -maxdepth 1 -name 'models--*'")


def _checkpoint_sizes(node: "Node") -> str:
    runs = quote(f"{node.cluster.workspace}/runs")
    return _sizes_in(runs, "-mindepth 2 -maxdepth 2 -name checkpoints")


def _sizes_in(folder: str, which: str) -> str:
    return f"test -d {folder} || exit 0; find {folder} {which} -exec du -sB1 {{}} +"


# What is stuck now and was a second ago: a process that merely waits for a disk is past that by then. On cgroup v1 what
# somebody has frozen, as `docker pause` does, looks the same.
_STUCK = """\
stuck() { ps -eo stat=,pid=,comm= | grep '^D' | sed 's/^[^ ]* *//'; }
frozen() { grep -qs FROZEN "/sys/fs/cgroup/freezer$(sed -n 's/^[0-9]*:freezer://p' "/proc/$1/cgroup")/freezer.state"; }
before=$(stuck); test -n "$before" || exit 0
sleep 1; stuck | grep -Fx "$before" | while read -r pid name; do frozen "$pid" || echo "$pid $name"; done
true"""


class ResourceFacts(Facts):
    """Disks by the directories that matter, sizes of downloaded models by name, memory in GB of 10^9 bytes.

    `checkpoints` are the bytes that unfinished runs have written of them, by the run's folder.
    `file_server` is the one that the workspace lies on, empty where that is on a disk of the node's own.
    `stuck` are processes that wait in the kernel and cannot be ended; `unified` says if the GPU shares the memory.
    """

    disks: tuple[Disk, ...] = fact(_disk_places, _disks, root=True)
    file_server: str = fact(_workspace_source, _server, root=True)
    models: dict[str, int] = fact(_model_sizes, _sizes, root=True, timeout_s=20)
    checkpoints: dict[str, int] = fact(_checkpoint_sizes, _sizes_by_parent, root=True, timeout_s=20)
    available_gb: float = fact("cat /proc/meminfo", _available)
    largest: str = fact("ps -eo rss=,comm= --sort=-rss | head -n 1", _largest)
    stuck: tuple[str, ...] = fact(_STUCK, lines)
    unified: bool = fact(
        "cat /proc/driver/nvidia/gpus/*/information 2>/dev/null || true", lambda reading: "GB10" in reading.out
    )
