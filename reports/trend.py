"""A figure over the runs, against what it was when the cluster was first measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from reports.history import Entry, Measured

FIRST, FEWEST = 10, 4
"""Of so many runs at most, and at least, the band is made. It stays where it is, so that what creeps leaves it."""
RECENT = 3
"""One slow run is chance; the middle of so many is what is told."""
FLOOR = 0.05
"""The band is never narrower than this share to either side."""
SHARE_OF_THE_WAY = 0.1
"""What has gone less of the way to its limit than this is no news, however steady it was before."""


@dataclass(frozen=True)
class Band:
    """Where a figure used to be, and the middle of it."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Trend:
    """One figure: (run's id, value) oldest first, its band, None while there are too few runs, and if it got worse."""

    measured: Measured
    values: tuple[tuple[str, float], ...]
    band: Band | None

    @property
    def recent(self) -> float:
        """The middle of the newest values."""
        return median(value for _, value in self.values[-RECENT:])

    @property
    def moves(self) -> bool:
        """Whether it was ever measured otherwise."""
        return len({value for _, value in self.values}) > 1

    @property
    def worse(self) -> bool:
        """Whether the newest values have left the band on the wrong side, and are on their way to the limit, if any."""
        if self.band is None:
            return False
        left = self.recent > self.band.high if self.measured.less_is_better else self.recent < self.band.low
        return left and self._nears_its_limit(self.band.middle)

    def _nears_its_limit(self, middle: float) -> bool:
        limit = self.measured.limit
        if limit is None:
            return True
        sign = 1 if self.measured.less_is_better else -1
        return sign * (self.recent - middle) >= SHARE_OF_THE_WAY * sign * (limit - middle)


def trends(runs: Sequence[Entry]) -> list[Trend]:
    """Return every figure that was measured at least twice: what got worse, then speeds, then the rest."""
    values: dict[str, list[tuple[str, float]]] = {}
    newest: dict[str, Measured] = {}
    for run in runs:
        for name, measured in run.figures.items():
            values.setdefault(name, []).append((run.id, measured.value))
            newest[name] = measured
    found = [
        Trend(newest[name], tuple(series), band([value for _, value in series]))
        for name, series in values.items()
        if len(series) > 1
    ]
    return sorted(found, key=lambda trend: (not trend.worse, trend.measured.less_is_better))


def band(values: Sequence[float]) -> Band | None:
    """Return the band of the first values, those that are judged by it aside: three robust deviations, or the floor."""
    first = values[:-RECENT][:FIRST]
    if len(first) < FEWEST:
        return None
    middle = median(first)
    # 1.4826 makes the median of the deviations that of a normal distribution.
    spread = max(3 * 1.4826 * median(abs(value - middle) for value in first), FLOOR * abs(middle))
    low = middle - spread
    # What was never below zero, a time or a rate, cannot get there.
    return Band(max(low, 0.0) if min(first) >= 0 else low, middle, middle + spread)
