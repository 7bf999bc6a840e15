"""XIDs: what the NVIDIA driver writes into the kernel's log when a GPU, its driver or a program on it fails."""

import re
from dataclasses import dataclass

from cluster.facts.base import ParseError, Reading
from cluster.facts.parse import succeeded
from cluster.probes import invocation

LOOK_BACK_S = 2 * 3600
"""How old an XID may be to count: what AzureHPC's node health checks look at."""

# The last line of each GPU and code stays, so that one that repeats itself crowds out no other; those in which there is
# no code count as one kind.
_LAST_OF_A_KIND = r"awk '{ match($0, /Xid \([^)]*\): [0-9]+/) } !seen[substr($0, RSTART, RLENGTH)]++'"
# Its clock takes a Python to read, and where there is no XID there is no age to tell.
COMMAND = f"""\
log=$(dmesg) || exit
xids=$(printf '%s\\n' "$log" | grep -F 'NVRM: Xid' | tac | {_LAST_OF_A_KIND} | tac)
if test -n "$xids"; then {invocation("kernel_clock")} && printf '%s\\n' "$xids"; else echo 0; fi"""
"""The time of the kernel's log, then the XIDs that it still holds, the last of each kind; 0 where it holds none."""

# Some kernels name the thread or the CPU that spoke after the time.
_LINE = re.compile(
    r"\[\s*(?P<second>\d{1,12}(?:\.\d{1,9})?)\](?:\[\s*[TC]\d{1,10}\])? NVRM: Xid "
    r"\((?:PCI:)?(?P<place>[^)]{1,60})\): (?P<code>\d{1,4})\b.*",
    re.ASCII,
)


@dataclass(frozen=True)
class Xid:
    """One message; `place` is the GPU's on the bus, `age_s` the seconds since."""

    code: int
    place: str
    age_s: float


def parse_xids(reading: Reading) -> tuple[Xid, ...]:
    """Read the output of COMMAND; each code and GPU once, as last told, within LOOK_BACK_S."""
    now, _, log = succeeded(reading).partition("\n")
    if not re.fullmatch(r"\d{1,12}(\.\d{1,9})?", now, re.ASCII):
        raise ParseError("it does not tell how long the machine has been up")
    found = {}
    for said in re.findall(r".*NVRM: Xid.*", log):
        if not (line := _LINE.fullmatch(said)):
            raise ParseError(f"this is no XID as the driver writes them: {said[:120]}")
        age = max(0.0, float(now) - float(line["second"]))
        if age <= LOOK_BACK_S:
            found[line["place"], line["code"]] = Xid(int(line["code"]), line["place"], age)
    return tuple(found.values())


OF_PROGRAMS = frozenset({13, 31, 43, 45, 94})
"""Faults of the program that ran (an illegal address, a kernel that was ended): the GPU itself is well."""

_REBOOT = "reboot the node"
_RESET = "end what runs on the GPU and reboot the node, which resets it"
_REPLACE = "reboot; if the error comes back, have the GPU replaced"
_POWER = "power the node off for a minute; if the error comes back, reseat the card or have it replaced"
_VIDEO = "restart the program; if the error comes back, update the driver"

OF_HARDWARE = {
    48: ("an uncorrectable memory error", _RESET),
    56: ("an error of the display engine", _REBOOT),
    57: ("an error in programming the video memory's interface", _REPLACE),
    58: ("the video memory's interface is unstable", _REPLACE),
    62: ("the GPU's microcontroller has halted", _REPLACE),
    63: ("a memory row was taken out of use", _RESET),
    64: ("a faulty memory row could not be taken out of use", _REPLACE),
    65: ("an exception of the video processor", _VIDEO),
    68: ("an exception of the video decoder", _VIDEO),
    69: ("an error of the graphics engine", _REBOOT),
    73: ("an error of the video encoder", _VIDEO),
    74: ("an NVLink error", "reboot; if the error comes back, check bridge and slot, or have the GPU replaced"),
    79: ("the GPU has fallen off the bus", _POWER),
    80: ("data arrived damaged at the GPU", _POWER),
    81: ("an error of the VGA subsystem", _REBOOT),
    92: ("many correctable memory errors", "run NVIDIA's field diagnostics; have the GPU replaced if they fail"),
    95: ("an uncorrectable memory error that spread", _RESET),
    119: ("the GPU's firmware does not answer", _POWER),
    120: ("the GPU's firmware failed", _POWER),
}
"""Codes after which a GPU is not to be trusted, in words, and what helps: AzureHPC's list, NVIDIA's XID catalogue."""
