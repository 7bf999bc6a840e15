"""Which part of the cluster a check is about, so that the drawing can mark where something is wrong."""

import re
from collections.abc import Iterable
from enum import StrEnum

from reports.model import Check, Link, Located, Report
from reports.outcome import Outcome


class Part(StrEnum):
    """A part of a node, as the drawing shows it."""

    MACHINE = "machine"
    GPU = "gpu"
    DOCKER = "docker"
    SWARM = "swarm"
    WORK = "work"
    FABRIC = "fabric"


_OF_SUBJECT = {
    "ssh": Part.MACHINE,
    "machine": Part.MACHINE,
    "gpu": Part.GPU,
    "docker": Part.DOCKER,
    "toolkit": Part.DOCKER,
    "swarm": Part.SWARM,
    "stack": Part.WORK,
    "container": Part.WORK,
    "config": Part.WORK,
    "train": Part.WORK,
    "full": Part.WORK,
    "cleanup": Part.WORK,
    "network": Part.FABRIC,
    "rdma": Part.FABRIC,
    "fabric": Part.FABRIC,
}

_OF_THE_LOGIN = ("ssh.reachable", "ssh.prompt")

_A_LINK = re.compile(r"(?<!\w)(en\w*\d\w*|eth\d+|ib\w*\d|\d{1,3}(?:\.\d{1,3}){3})(?!\w)")


def part_of(check: Check) -> Part | None:
    """Return the part that a check is about, by the subject in its id; None for a subject that is not known here."""
    return _OF_SUBJECT.get(check.id.partition(".")[0])


def about(report: Report, part: Part, node: str | None) -> list[Located]:
    """Return the checks about a part of a node, or of the cluster where node is None."""
    return [entry for entry in report.by_node.get(node, []) if part_of(entry.check) is part]


def about_login(entries: Iterable[Located]) -> list[Located]:
    """Return those that say whether a node can be reached, and how well: what the line to it stands for."""
    return [entry for entry in entries if entry.check.id in _OF_THE_LOGIN]


def about_link(entries: Iterable[Located], links: Iterable[Link]) -> list[Located]:
    """Return, of checks about the fabric, those that concern one link, given by its ends.

    One that names links (by interface or address) concerns those alone; one that names none concerns them all.
    """
    words = [word for link in links for word in (link.name, *(one.partition("/")[0] for one in link.addresses))]
    named = re.compile("|".join(rf"(?<![\w.]){re.escape(word)}(?![\w.]*\w)" for word in words) or "(?!)")
    return [
        entry
        for entry in entries
        if not entry.check.outcome.needs_attention or not _names_a_link(entry.check) or named.search(_text(entry.check))
    ]


def worst(entries: Iterable[Located]) -> Located | None:
    """Return the entry whose outcome wants the most attention, the first of its kind; None where there is none."""
    order = list(Outcome)
    return min(entries, key=lambda entry: order.index(entry.check.outcome), default=None)


def _names_a_link(check: Check) -> bool:
    return _A_LINK.search(_text(check)) is not None


def _text(check: Check) -> str:
    """What names the guilty link: the cause, if it names any, else what was compared."""
    told = " ".join(part for part in (check.found, check.expected) if part)
    return check.cause if check.cause and _A_LINK.search(check.cause) else f"{check.cause or ''} {told}"
