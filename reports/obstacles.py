"""What stands in the way: the checks that need attention, by how many others wait for them."""

from collections import defaultdict
from dataclasses import dataclass

from reports.model import Check, Report
from reports.outcome import Outcome


@dataclass(frozen=True)
class Obstacle:
    """A check with one outcome that needs attention, in all places where it came to that.

    Entries are (position in the file, check); waiting is how many blocked checks wait for any of them.
    """

    title: str
    outcome: Outcome
    entries: tuple[tuple[int, Check], ...]
    waiting: int


def obstacles(report: Report) -> list[Obstacle]:
    """Return what needs attention: first what most checks wait for, then in the playbook's order.

    A check waits for another if it was blocked by it on the same node, directly or through other blocked
    checks; checks of the cluster wait for, and hold up, every node.
    """
    waiting = _waiting(report.checks)
    together: dict[tuple[str, str, Outcome], list[tuple[int, Check]]] = defaultdict(list)
    for position, check in enumerate(report.checks):
        if check.outcome.needs_attention:
            together[check.id, check.title, check.outcome].append((position, check))
    found = [
        Obstacle(title, outcome, tuple(entries), len(set().union(*(waiting[position] for position, _ in entries))))
        for (_, title, outcome), entries in together.items()
    ]
    return sorted(found, key=lambda obstacle: (-obstacle.waiting, obstacle.entries[0][1].step))


def _waiting(checks: tuple[Check, ...]) -> dict[int, set[int]]:
    by_id: dict[str, list[int]] = defaultdict(list)
    for position, check in enumerate(checks):
        by_id[check.id].append(position)
    waiting: dict[int, set[int]] = defaultdict(set)
    for position, check in enumerate(checks):
        if check.outcome is Outcome.BLOCKED:
            for cause in _causes(check, checks, by_id):
                waiting[cause].add(position)
    return waiting


def _causes(blocked: Check, checks: tuple[Check, ...], by_id: dict[str, list[int]]) -> set[int]:
    causes: set[int] = set()
    seen: set[int] = set()
    queue = [blocked]
    while queue:
        current = queue.pop()
        for position in (p for name in current.blocked_by for p in by_id.get(name, ())):
            blocker = checks[position]
            same_place = None in {current.node, blocker.node} or current.node == blocker.node
            if position in seen or not same_place:
                continue
            seen.add(position)
            if blocker.outcome.needs_attention:
                causes.add(position)
            elif blocker.outcome is Outcome.BLOCKED:
                queue.append(blocker)
    return causes
