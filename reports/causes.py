"""Where a cause of the diagnosis stands among the checks."""

from reports.model import Cause, Check, Report


def entries(report: Report, cause: Cause) -> list[tuple[int, Check]]:
    """Return the checks that fail for this cause, each with its position in the file."""
    return [
        (position, check)
        for position, check in enumerate(report.checks)
        if check.id == cause.id
        and check.outcome is cause.outcome
        and (check.node in cause.nodes or (check.node is None and not cause.nodes))
    ]


def following(report: Report, cause: Cause) -> list[tuple[int, Check]]:
    """Return the checks that follow from a cause, each with its position in the file."""
    places = {(place.id, place.node) for place in cause.explains}
    return [(position, check) for position, check in enumerate(report.checks) if (check.id, check.node) in places]
