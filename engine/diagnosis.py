"""Failures ranked by cause: what nothing else explains comes first, and what follows from it is folded under it."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.naming import of_any_node
from engine.outcome import Place, Verdict
from engine.suspects import States, Suspect, between_nodes, since_ready
from reports.outcome import Outcome

MOST, MOST_OF_A_SUBJECT = 12, 3
"""Of what differs so many are told for one cause; the first subjects are the most telling."""

_FAR = {
    "gpu": {"links", "routes", "firewall", "disks", "mounts"},
    "toolkit": {"links", "routes", "firewall"},
    "docker": {"links", "routes", "firewall", "mounts"},
    "network": {"docker", "disks", "mounts"},
    "rdma": {"docker", "disks", "mounts"},
    "ssh": {"docker", "modules", "hardware"},
}
"""By the subject of a check, what hardly bears on it: told of a node where nothing else differs."""

_WEIGHT = {Outcome.FIX_FAILED: 0, Outcome.FAILED: 0, Outcome.UNKNOWN: 1, Outcome.BLOCKED: 2, Outcome.WOULD_FIX: 3}


@dataclass
class Cause:
    """A check that fails and that no other failure explains, on all nodes where it does so for the same reason.

    `explains` are the checks that fail, or could not be judged, because of it; `suspects` is what differs there.
    """

    id: str
    title: str
    outcome: Outcome
    nodes: list[str]
    cause: str | None
    remedy: str | None
    explains: list[Place]
    suspects: list[Suspect] = field(default_factory=list)
    more_suspects: int = 0

    def suspect(self, found: Iterable[Suspect]) -> None:
        """Keep a few suspects of each subject that bears on it, the most telling first, and count the others."""
        far = _FAR.get(self.id.partition(".")[0], set())
        everything = list(found)
        bearing = {one.node for one in everything if one.subject not in far}
        taken: Counter[tuple[str, str]] = Counter()
        for one in everything:
            taken[one.node, one.subject] += 1
            bears = one.subject not in far or one.node not in bearing
            if bears and taken[one.node, one.subject] <= MOST_OF_A_SUBJECT and len(self.suspects) < MOST:
                self.suspects.append(one)
            else:
                self.more_suspects += 1


def diagnose(verdicts: list[Verdict]) -> list[Cause]:
    """Rank what is wrong: what most others follow from first, then as the playbook goes; planned changes come last."""
    needing = [verdict for verdict in verdicts if verdict.outcome in _WEIGHT]
    roots = _roots(needing)
    explained: dict[int, list[Place]] = defaultdict(list)
    for position, verdict in enumerate(needing):
        place = verdict.place
        for root in roots[position] - {position}:
            explained[root].append(place)
    together: dict[tuple[str, Outcome, str | None, str | None], list[int]] = defaultdict(list)
    for position in (position for position, own in enumerate(roots) if own == {position}):
        one = needing[position]
        alike = of_any_node(one.cause, one.node), of_any_node(one.remedy, one.node)
        together[one.id, one.outcome, *alike].append(position)
    causes = [_cause([needing[position] for position in group], explained, group) for group in together.values()]
    return sorted(causes, key=lambda cause: (_WEIGHT[cause.outcome] == 3, -len(cause.explains), _WEIGHT[cause.outcome]))


def sound(causes: list[Cause], nodes: Iterable[str]) -> list[str]:
    """Return the nodes on which no cause lies; one that is the cluster's own lies on all."""
    if any(not cause.nodes for cause in causes):
        return []
    troubled = {node for cause in causes for node in cause.nodes}
    return [node for node in nodes if node not in troubled]


def explain(
    causes: list[Cause], now: States, alike: States, names: Iterable[str], ready: tuple[str, States] | None
) -> None:
    """Add to each cause what differs there: from when the cluster was last ready, or between nodes (`alike`)."""
    for cause in causes:
        if cause.nodes and not any(node in now for node in cause.nodes):
            continue  # of a silent node nothing is known, and what its peers lost with it explains nothing
        if ready is not None:
            # What a node fails by may have changed on its peer: its own changes come first, and then the others'.
            nodes = dict.fromkeys([*cause.nodes, *names])
            cause.suspect(since_ready(now, ready[1], ready[0], nodes))
        elif len(now) > 1:
            cause.suspect(between_nodes(alike, cause.nodes))


def _cause(same: list[Verdict], explained: dict[int, list[Place]], positions: list[int]) -> Cause:
    first = same[0]
    explains = dict.fromkeys(place for position in positions for place in explained[position])
    nodes = [verdict.node for verdict in same if verdict.node is not None]
    node = first.node if len(same) > 1 else None
    cause, remedy = of_any_node(first.cause, node), of_any_node(first.remedy, node)
    return Cause(first.id, first.title, first.outcome, nodes, cause, remedy, list(explains))


def _roots(verdicts: list[Verdict]) -> list[frozenset[int]]:
    """Find, by position, what each verdict follows from in the end; one that follows from nothing is its own root.

    A verdict follows from such as were found before it, so one way through them all is enough.
    """
    roots: list[frozenset[int]] = []
    positions: dict[Place, int] = {}
    # Of hundreds that wait for the same few, each has the same set.
    known: dict[frozenset[int], frozenset[int]] = {}
    for position, verdict in enumerate(verdicts):
        above = {roots[positions[place]] for place in verdict.follows_from if place in positions}
        own = frozenset().union(*above) or frozenset({position})
        roots.append(known.setdefault(own, own))
        positions[verdict.place] = position
    return roots
