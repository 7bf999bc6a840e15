"""Where a cause of the diagnosis stands among the checks."""

from reports.model import Cause, Check, Report


def entries(report: Report, cause: Cause) -> list[tuple[int, Check]]:
    """Return the checks that fail for this cause, each with its position in the file."""
    places = [(cause.id, node) for node in cause.nodes or (None,)]
    return sorted(entry for place in places for entry in _at(report, place) if entry[1].outcome is cause.outcome)


def following(report: Report, cause: Cause) -> list[tuple[int, Check]]:
    """Return the checks that follow from a cause, each with its position in the file."""
    places = {(place.id, place.node) for place in cause.explains}
    return sorted(entry for place in places for entry in _at(report, place))


def _at(report: Report, place: tuple[str, str | None]) -> list[tuple[int, Check]]:
    return report.by_place.get(place, [])
