"""Step 1: a node's clock, set against ours: one question, so that little time passes between asking and hearing."""

from itertools import combinations
from typing import TYPE_CHECKING

from cluster.errors import UnknownFact
from cluster.facts.base import Facts, fact
from cluster.facts.parse import number

if TYPE_CHECKING:
    from cluster.cluster import Cluster

TRIES = 4
"""A busy network is asked so often before its answers are called too slow."""


class ClockFacts(Facts):
    """The node's clock, in seconds since 1970."""

    now: float = fact("date +%s.%N", number)

    @property
    def ahead_s(self) -> tuple[float, float]:
        """The least and the most that the node's clock can be ahead of ours: it was read between asking and hearing.

        Raises:
            UnknownFact: The node did not tell its time.
        """
        asked, heard = self.span
        return self.now - heard, self.now - asked


def apart_s(cluster: "Cluster", limit_s: float) -> float:
    """Return by how much the clocks of two nodes differ, in seconds: the pair that differs most.

    What comes back is at least as much as they differ where that is within the limit, and at most as much where it is
    beyond: either way the comparison with the limit is sure.

    Raises:
        UnknownFact: A node did not tell its time, or all answers took too long to be sure.
    """
    for _ in range(TRIES):
        bounds = [node.clock.ahead_s for node in cluster.nodes]
        pairs = [(one, other) for one, other in combinations(bounds, 2)]
        at_most = max((max(one[1] - other[0], other[1] - one[0]) for one, other in pairs), default=0.0)
        at_least = max((max(one[0] - other[1], other[0] - one[1]) for one, other in pairs), default=0.0)
        if at_most <= limit_s:
            return round(at_most, 3)
        if at_least > limit_s:
            return round(at_least, 3)
        for node in cluster.nodes:
            node.forget_about(ClockFacts)
    slowest = max(most - least for least, most in bounds)
    raise UnknownFact(f"the nodes took up to {slowest:.2f} s to tell their time, too long to say if clocks differ")
