"""Where a cause of the diagnosis stands among the checks."""

from collections import defaultdict

from reports.model import Cause, Located, Report
from reports.outcome import Outcome


def entries(report: Report, cause: Cause) -> list[Located]:
    """Return the checks that fail for this cause, each with its position in the file."""
    places = [(cause.id, node) for node in cause.nodes or (None,)]
    return sorted(entry for place in places for entry in _at(report, place) if entry.check.outcome is cause.outcome)


def following(report: Report, cause: Cause) -> list[list[Located]]:
    """Return the checks that follow from a cause, each with its position in the file; those of several nodes together.

    What came to the same in one check is told once: a cause that lies on every node explains thousands.
    """
    places = {(place.id, place.node) for place in cause.explains}
    together: dict[tuple[str, Outcome], list[Located]] = defaultdict(list)
    for entry in sorted(entry for place in places for entry in _at(report, place)):
        together[entry.check.id, entry.check.outcome].append(entry)
    return list(together.values())


def _at(report: Report, place: tuple[str, str | None]) -> list[Located]:
    return report.by_place.get(place, [])
