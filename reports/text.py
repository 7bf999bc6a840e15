"""Text from nodes made safe to show, and figures made fit to read."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

# ECMA-48: control sequences (colours, cursor), operating system commands (titles, links), two-byte escapes.
_TERMINAL_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[@-Z\\^_]"
)


class _Shown(dict[int, str]):
    """What each character is shown as, by code point; worked out once for each."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = shown = character if character.isprintable() or character in "\n\t" else f"⟨U+{code:04X}⟩"
        return shown


_SHOWN = _Shown()


def visible(text: str) -> str:
    """Return text in which nothing acts and nothing hides.

    Terminal escapes go, carriage returns become line ends, and every character that is not printable
    (control, bidirectional override, zero width, lone surrogate, no-break space) is shown as its code point.
    What is left is also allowed in XML 1.0 and can be written as UTF-8.
    """
    text = _TERMINAL_ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    if text.isprintable():
        return text
    return text.translate(_SHOWN)


def fair_limit(lengths: Sequence[int], budget: int) -> int:
    """Return the greatest length to which texts may run if all together are to keep within a budget.

    Short texts are never cut for the sake of long ones: only what is longer than the limit is.
    Lengths, budget and result are in characters.
    """
    left = budget
    ordered = sorted(lengths)
    for position, length in enumerate(ordered):
        share = left // (len(ordered) - position)
        if length > share:
            return share
        left -= length
    return budget


def clip(text: str, limit: int) -> str:
    """Return text cut to about limit characters, keeping both ends and saying what was left out."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    tail = limit - head
    left_out = len(text) - limit
    return f"{text[:head]}\n[{left_out:,} characters left out; the whole is in report.json]\n{text[-tail:]}"


def duration(seconds: float | None) -> str:
    """Return a time span in the unit that suits it: "40 ms", "7.3 s", "2 min 5 s", "1 h 12 min"."""
    if seconds is None:
        return "time not known"
    if 0 < seconds < 0.95:
        return f"{math.ceil(seconds * 1000)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def figure(value: float | None, digits: int = 0) -> str:
    """Return a number with thousands set apart, or "not known"."""
    return "not known" if value is None else f"{value:,.{digits}f}"


def measured(value: float) -> str:
    """Return a number to the three digits that a measurement is good for, and a whole or a large one whole."""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.3g}"


def moment(stamp: str) -> datetime | None:
    """Return an ISO 8601 time in UTC (assumed where no offset is given), or None where it is not one."""
    try:
        parsed = datetime.fromisoformat(stamp)
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def when(stamp: str) -> str:
    """Return an ISO 8601 time as a person writes it, in UTC, or the text itself where it is not one."""
    parsed = moment(stamp)
    return f"{parsed.day} {parsed:%B %Y, %H:%M} UTC" if parsed else stamp


def counted(number: int, noun: str) -> str:
    """Return "1 check" or "3 checks"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def first_line(text: str, limit: int) -> str:
    """Return the first line that has something on it, cut to limit characters with a sign that it was."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[0] if len(lines) == 1 and len(lines[0]) <= limit else lines[0][: limit - 1].rstrip() + "…"
