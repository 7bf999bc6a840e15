"""Many nodes on one page: those that came to the same everywhere are shown as one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from reports.model import Cause, Check, Difference, Place, Report

FEW = 12
"""So many nodes can be looked at one by one, side by side."""

Alike = dict[str, str]
"""The nodes that are shown, with what they are called there."""


@dataclass(frozen=True)
class Fold:
    """A report in which a node may stand for several; `members` are the nodes of each place that does."""

    report: Report
    members: dict[str, tuple[str, ...]]

    def names(self, places: Iterable[str]) -> list[str]:
        """Return the names of all nodes that these places stand for."""
        return [name for place in places for name in self.members.get(place, (place,))]

    def places(self, names: Iterable[str]) -> dict[str, str]:
        """Return under each of these names the place in which it is shown."""
        shown = {name: place for place, members in self.members.items() for name in members}
        return {name: shown.get(name, name) for name in names}


def folded(report: Report) -> Report:
    """Return a report in which a node stands for all that came to the same; its name tells for how many more."""
    return fold(report).report


def fold(report: Report) -> Fold:
    """Return the same, with the nodes that each place stands for.

    What nodes were found to be may differ where it passes; the file itself has all of it.
    """
    if len(report.nodes) <= FEW:
        return Fold(report, {})
    together = _together(report)
    shown = {first: f"{first} +{len(rest)}" if rest else first for first, *rest in together}
    members = {shown[first]: (first, *rest) for first, *rest in together if rest}
    return Fold(_shown(report, shown), members)


def _shown(report: Report, shown: Alike) -> Report:
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


def _together(report: Report) -> list[list[str]]:
    """Return the names of the nodes that came to the same everywhere, those of each kind together."""
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
    alike: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for node in report.nodes:
        alike[node.role, *came_to[node.name]].append(node.name)
    return list(alike.values())


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
