"""Many probes as one shell script, and its output taken apart again."""

import re
import secrets
from collections.abc import Callable, Iterable
from shlex import quote

from cluster.facts.base import Probe, Reading

# Both streams carry the markers, so that a warning on stderr stays with the command that gave it.
_PREAMBLE = """\
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
begin() {{ printf '\\036{nonce} %s\\n' "$1"; printf '\\036{nonce} %s\\n' "$1" >&2; }}
end() {{ printf '\\037{nonce} %s\\n' "$1"; }}
probe() {{ begin "$1"; timeout -k 1 "$2" /bin/sh -c "$3" </dev/null; end "$?"; }}
glance() {{ begin "$1"; (question=$2; set --; eval "$question") </dev/null; end "$?"; }}
"""

# A timer costs two programs a question, which are most of the work of a short one. What only looks at the kernel or at
# a local file goes without: where even that hangs, the deadline of the whole script tells.
_LOOKS = r"(?:cat|command -v|cut|date|echo|env|exit|grep|head|hostname|id|sed|stat|tail|test|true|uname)\b[^;&|$`(){}]*"
_GLANCE = re.compile(rf"{_LOOKS}(?:(?:&&|\|\||[;|\n])\s*{_LOOKS})*")


def build_script(probes: Iterable[Probe], become: Callable[[str], str] | None) -> tuple[str, str]:
    """Put probes into one script; `become` wraps the part for root, and without it that part is left out.

    Returns the script and the nonce that marks its output.
    """
    nonce = secrets.token_hex(8)
    preamble = _PREAMBLE.format(nonce=nonce)
    asked = _by_question(probes).values()
    mine = preamble + "".join(_call(first) for first, *_ in asked if not first.root)
    roots = "".join(_call(first) for first, *_ in asked if first.root)
    if roots and become is not None:
        mine += become(preamble + roots) + "\n"
    return mine, nonce


def _by_question(probes: Iterable[Probe]) -> dict[tuple[str, bool], list[Probe]]:
    """Put together the probes that run the same command, which is run once for all of them."""
    found: dict[tuple[str, bool], list[Probe]] = {}
    for probe in probes:
        found.setdefault((probe.command, probe.root), []).append(probe)
    return found


def _call(probe: Probe) -> str:
    if _GLANCE.fullmatch(probe.command):
        return f"glance {probe.name} {quote(probe.command)}\n"
    return f"probe {probe.name} {probe.timeout_s:g} {quote(probe.command)}\n"


def take_apart(
    probes: Iterable[Probe], nonce: str, out: str, err: str, *, has_root: bool, why_cut: str, why_no_root: str
) -> dict[str, Reading]:
    """Give every probe its own reading; one that did not come back says why."""
    probes = list(probes)
    said = dict(_sections(out, nonce))
    warned = dict(_sections(err, nonce))
    for first, *others in _by_question(probes).values():
        for answers in (said, warned):
            answers.update({other.name: answers[first.name] for other in others if first.name in answers})
    readings = {}
    for probe in probes:
        text, exit_status = _split_exit(said.get(probe.name), nonce)
        missing = None
        if probe.root and not has_root:
            missing = why_no_root
        elif exit_status is None:
            missing = why_cut
        elif exit_status in (124, 137):
            missing = f"`{probe.command.strip().splitlines()[0][:60]}` did not end within {probe.timeout_s:g} s"
        readings[probe.name] = Reading(probe.command, exit_status, text, warned.get(probe.name, ""), missing)
    return readings


def _sections(stream: str, nonce: str) -> list[tuple[str, str]]:
    parts = re.split(rf"\x1e{nonce} ([\w.]+)\n", stream)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _split_exit(section: str | None, nonce: str) -> tuple[str, int | None]:
    if section is None:
        return "", None
    text, mark, rest = section.partition(f"\x1f{nonce} ")
    status = rest.split("\n", 1)[0]
    return text, int(status) if mark and status.isdigit() else None
