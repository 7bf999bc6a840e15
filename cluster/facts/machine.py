"""What kind of machine a node is."""

import re

from cluster.facts.base import Facts, ParseError, Reading, fact
from cluster.facts.parse import succeeded, text


def _pretty_name(reading: Reading) -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)', succeeded(reading), re.MULTILINE)
    if not found:
        raise ParseError("it has no PRETTY_NAME")
    return found[1]


def _taint(reading: Reading) -> tuple[str, ...]:
    told = succeeded(reading).strip()
    if not (told.isascii() and told.isdecimal() and len(told) < 20):
        raise ParseError("it is no number")
    return tuple(words for bit, words in _TAINTS.items() if int(told) >> bit & 1)


def _time_service(reading: Reading) -> str:
    told = dict(line.split("=", 1) for line in reading.out.splitlines() if "=" in line)
    if not {"CanNTP", "NTP"} <= told.keys():
        return "missing"  # no timedatectl, or one that does not answer: what we can do about the clock is the same
    if told["CanNTP"] != "yes":
        return "missing"
    return "on" if told["NTP"] == "yes" else "off"


_TAINTS = {
    4: "a processor reported a machine check",
    5: "memory was found bad",
    7: "the kernel had an oops",
    14: "a processor was locked up",
}
"""The taints that tell of trouble, by their bit (kernel.org, tainted-kernels); modules of NVIDIA's own set others."""


class MachineFacts(Facts):
    """Operating system, kernel, and who the machine is.

    `taint` lists what the kernel went through; `time_service` is on, off (there and not used) or missing.
    """

    is_local = True

    os: str = fact("cat /etc/os-release", _pretty_name)
    kernel: str = fact("uname -r", text)
    hostname: str = fact("hostname", text)
    boot_id: str = fact("cat /proc/sys/kernel/random/boot_id", text)
    machine_id: str = fact("cat /etc/machine-id", text)
    taint: tuple[str, ...] = fact("cat /proc/sys/kernel/tainted", _taint)
    time_service: str = fact("timedatectl show -p CanNTP -p NTP", _time_service)
