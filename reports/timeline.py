"""The run along the clock: a lane for each step, a bar for each stretch of checks; lengths in SVG user units."""

from dataclasses import dataclass

from reports.model import Check, Located, Report
from reports.outcome import Outcome
from reports.scale import marks

WIDTH, LANE = 1000, 26
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 8, 28
THIN = 1.5
"""No bar is narrower, or it could not be seen."""
MOST_LONGEST = 5


@dataclass(frozen=True)
class Bar:
    """Checks of one outcome that follow each other without a gap to be seen."""

    x: float
    width: float
    outcome: Outcome
    title: str


@dataclass(frozen=True)
class Lane:
    """One step: its number, where it stands, and its bars."""

    number: int
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Timeline:
    """Lanes above an axis of seconds; the marks are (place, seconds). `longest` are positions with their checks."""

    height: int
    lanes: tuple[Lane, ...]
    marks: tuple[tuple[float, float], ...]
    longest: tuple[Located, ...]


def timeline(report: Report) -> Timeline | None:
    """Place the checks along the clock; None where the file does not say when they began."""
    timed = [check for check in report.checks if check.started is not None and check.seconds is not None]
    if not timed:
        return None
    end = max(_end(check) for check in timed) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / end
    numbers = sorted({check.step for check in timed})
    lanes = tuple(
        Lane(
            number,
            TOP + index * LANE,
            _bars([check for check in timed if check.step == number], scale, report.run.mode),
        )
        for index, number in enumerate(numbers)
    )
    by_time = sorted(report.located, key=lambda entry: -(entry.check.seconds or 0.0))
    longest = [entry for entry in by_time[:MOST_LONGEST] if (entry.check.seconds or 0.0) >= 0.1]
    return Timeline(
        TOP + len(lanes) * LANE + BOTTOM,
        lanes,
        tuple((round(LEFT + second * scale, 1), second) for second in marks(0.0, end)),
        tuple(longest),
    )


def _end(check: Check) -> float:
    return (check.started or 0.0) + (check.seconds or 0.0)


def _bars(checks: list[Check], scale: float, mode: str) -> tuple[Bar, ...]:
    stretches: list[list[Check]] = []
    for check in sorted(checks, key=lambda one: one.started or 0.0):
        last = stretches[-1][-1] if stretches else None
        if last and last.outcome is check.outcome and ((check.started or 0.0) - _end(last)) * scale < THIN:
            stretches[-1].append(check)
        else:
            stretches.append([check])
    return tuple(_bar(stretch, scale, mode) for stretch in stretches)


def _bar(stretch: list[Check], scale: float, mode: str) -> Bar:
    start, end = stretch[0].started or 0.0, max(_end(check) for check in stretch)
    longest = max(stretch, key=lambda check: check.seconds or 0.0)
    others = f" and {len(stretch) - 1:,} more" if len(stretch) > 1 else ""
    title = f"{longest.title} ({longest.place}){others}: {stretch[0].outcome.word_in(mode)}, {end - start:.1f} s"
    return Bar(round(LEFT + start * scale, 1), round(max((end - start) * scale, THIN), 1), stretch[0].outcome, title)
