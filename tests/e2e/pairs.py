"""The faults that are tried two at once."""

import random

from lab.faults.catalogue import FAULTS

PAIRS = 30


def pairs(count: int = PAIRS) -> list[tuple[str, str]]:
    """Choose pairs of faults at random, the same ones each time; pairs that one node cannot have at once stay out."""
    chance = random.Random(4)  # noqa: S311 - nothing secret is drawn
    return sorted({tuple(sorted(chance.sample(sorted(FAULTS), 2))) for _ in range(count)})  # type: ignore[misc]
