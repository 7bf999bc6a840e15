"""The commands that verdicts rest on, each once: many checks rest on one answer of a node."""

from dataclasses import dataclass

from reports.model import Evidence, Report
from reports.outcome import Outcome


@dataclass(frozen=True)
class Exhibit:
    """One command and what was said to it, and where: a node, or `cluster` for a check of the whole cluster."""

    number: int
    place: str
    evidence: Evidence


def exhibits(report: Report, *, whole: bool) -> tuple[list[Exhibit], list[list[Exhibit]]]:
    """Return all exhibits in the order in which they occur, and those of each check by its position in the file.

    Unless `whole`, what passed checks alone rest on is left out.
    """
    known: dict[tuple[str, Evidence], Exhibit] = {}
    of_checks = []
    for check in report.checks:
        wanted = whole or check.outcome is not Outcome.PASSED
        keys = [(check.place, evidence) for evidence in check.evidence if wanted]
        of_checks.append([known.setdefault(key, Exhibit(len(known), *key)) for key in keys])
    return list(known.values()), of_checks
