"""What kind of machine a node is."""

import re

from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import succeeded, text


def _pretty_name(reading: Reading) -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)', succeeded(reading), re.MULTILINE)
    if not found:
        raise ParseError("it has no PRETTY_NAME")
    return found[1]


def _seconds(reading: Reading) -> float:
    try:
        return float(succeeded(reading))
    except ValueError:
        raise ParseError("it is no number of seconds") from None


class MachineFacts(Facts):
    """Operating system, kernel, clock."""

    os: str = fact("cat /etc/os-release", _pretty_name)
    kernel: str = fact("uname -r", text)
    hostname: str = fact("hostname", text)
    boot_id: str = fact("cat /proc/sys/kernel/random/boot_id", text)
    clock: float = fact("date +%s.%N", _seconds)
