"""Many nodes on one page: those that came to the same everywhere are shown as one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from reports.model import Cause, Check, Difference, Node, Place, Report

FEW = 12
"""So many nodes can be looked at one by one, side by side."""

Alike = dict[str, str]
"""The nodes that are shown, with what they are called there."""


def folded(report: Report) -> Report:
    """Return a report in which a node stands for all that came to the same; its name tells for how many more.

    What nodes were found to be may differ where it passes; the file itself has all of it.
    """
    if len(report.nodes) <= FEW:
        return report
    shown = _shown(report)
    return replace(
        report,
        nodes=tuple(replace(node, name=shown[node.name]) for node in report.nodes if node.name in shown),
        checks=tuple(_renamed(check, shown) for check in report.checks if check.node is None or check.node in shown),
        diagnosis=tuple(
            _cause(cause, shown)
            for cause in report.diagnosis
            if not cause.nodes or any(node in shown for node in cause.nodes)
        ),
        drift=tuple(_difference(one, shown) for one in report.drift),
    )


def _shown(report: Report) -> Alike:
    came_to: dict[str, list[object]] = defaultdict(list)
    # Nodes with one cause fail for the same reason, however their names stand in it.
    causes = {(cause.id, node): (cause.cause, cause.remedy) for cause in report.diagnosis for node in cause.nodes}
    for check in report.checks:
        if check.node is not None:
            told = (check.cause, check.remedy) if check.outcome.needs_attention else ()
            why = causes.get((check.id, check.node), told)
            came_to[check.node].append((check.id, check.outcome, check.warning, why))
    for one in report.drift:
        for name, value in one.values.items():
            came_to[name].append((one.subject, one.name, value))
    alike: dict[tuple[object, ...], list[Node]] = defaultdict(list)
    for node in report.nodes:
        alike[node.role, *came_to[node.name]].append(node)
    return {first.name: f"{first.name} +{len(rest)}" if rest else first.name for first, *rest in alike.values()}


def _renamed(check: Check, shown: Alike) -> Check:
    return check if check.node is None else replace(check, node=shown[check.node])


def _cause(cause: Cause, shown: Alike) -> Cause:
    suspects = tuple(replace(one, node=shown.get(one.node, one.node)) for one in cause.suspects)
    nodes = tuple(_names(cause.nodes, shown))
    return replace(cause, nodes=nodes, explains=_places(cause.explains, shown), suspects=suspects)


def _names(nodes: Iterable[str], shown: Alike) -> Iterable[str]:
    return (shown[node] for node in nodes if node in shown)


def _places(places: Iterable[Place], shown: Alike) -> tuple[Place, ...]:
    return tuple(
        place if place.node is None else replace(place, node=shown[place.node])
        for place in places
        if place.node is None or place.node in shown
    )


def _difference(one: Difference, shown: Alike) -> Difference:
    return replace(one, values={shown[node]: value for node, value in one.values.items() if node in shown})
