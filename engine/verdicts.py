"""What a run has found so far, by check and place: a check asks here what those that it rests on came to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from cluster.node import Node
from engine.check import Check
from engine.outcome import Verdict


class Verdicts:
    """The verdicts of a run in their order; looked up by place, since a large cluster has a hundred thousand."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.in_order: list[Verdict] = []
        self._places: dict[str, dict[str | None, list[int]]] = defaultdict(lambda: defaultdict(list))
        """Positions of verdicts by check and node."""

    def add(self, verdict: Verdict) -> None:
        """Take the next verdict."""
        self._places[verdict.id][verdict.node].append(len(self.in_order))
        self.in_order.append(verdict)

    def needed_by(self, check: Check, node: Node | None) -> list[Verdict]:
        """Return what the checks came to that this one rests on: here, or anywhere where it needs that everywhere."""
        return self._in_order({*self._near(check.needs, node), *self._near(check.needs_everywhere, None)})

    def explaining(self, check: Check, node: Node | None) -> tuple[list[Verdict], list[Verdict]]:
        """Return what the checks came to whose failure would explain this one's: here, and everywhere."""
        names = check.explained_by
        return self._in_order(self._near(names, node)), self._in_order(self._near(names, None))

    def _near(self, checks: Iterable[str], node: Node | None) -> Iterator[int]:
        """Find what these checks found about one node, or about the cluster; for no node, wherever it was."""
        for name in checks:
            places = self._places.get(name, {})
            for place in places if node is None else (None, node.name):
                yield from places.get(place, ())

    def _in_order(self, positions: Iterable[int]) -> list[Verdict]:
        return [self.in_order[position] for position in sorted(positions)]
