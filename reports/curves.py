"""The curves of a training: its loss, and every rank's tokens per second; lengths in SVG user units."""

from dataclasses import dataclass

from reports.model import Training
from reports.scale import marks

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 36
MOST_POINTS = 400
MOST_LINES = 8

Series = list[tuple[int, float]]
"""Steps with a figure each."""


@dataclass(frozen=True)
class Curve:
    """One line: its points, where it ends, and its figures at the first and the last step."""

    name: str
    points: str
    end: tuple[float, float]
    first: float
    last: float


@dataclass(frozen=True)
class Chart:
    """Curves on one pair of axes; the marks are (place, figure)."""

    curves: tuple[Curve, ...]
    steps: tuple[tuple[float, int], ...]
    figures: tuple[tuple[float, float], ...]
    left_out: int = 0


def loss_chart(training: Training) -> Chart | None:
    """Draw the loss over the steps; None where fewer than two are known."""
    return _chart({"loss": [(step.step, step.loss) for step in training.steps if step.loss is not None]})


def speed_chart(training: Training) -> Chart | None:
    """Draw tokens per second over the steps, a line for each rank; None where fewer than two are known."""
    told = {
        f"rank {rank.rank}" + (f" on {rank.node}" if rank.node else ""): [
            (step.step, step.tokens_per_s) for step in rank.steps if step.tokens_per_s is not None
        ]
        for rank in training.ranks
    }
    if not any(told.values()):
        told = {"rank 0": [(step.step, step.tokens_per_s) for step in training.steps if step.tokens_per_s is not None]}
    return _chart(told, from_zero=True)


def _chart(told: dict[str, Series], *, from_zero: bool = False) -> Chart | None:
    known = {name: series for name, series in told.items() if len(series) >= 2}
    if not known:
        return None
    drawn = {name: _thinned(series) for name, series in list(known.items())[:MOST_LINES]}
    numbers = [number for series in drawn.values() for number, _ in series]
    figures = [figure for series in drawn.values() for _, figure in series]
    low, high = (0.0 if from_zero else min(figures)), max(figures)
    start, end = min(numbers), max(numbers)

    def across(number: float) -> float:
        return round(LEFT + (number - start) / ((end - start) or 1) * (WIDTH - LEFT - RIGHT), 1)

    def down(figure: float) -> float:
        return round(TOP + (high - figure) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM), 1)

    curves = [
        Curve(
            name,
            " ".join(f"{across(number)},{down(figure)}" for number, figure in series),
            (across(series[-1][0]), down(series[-1][1])),
            series[0][1],
            series[-1][1],
        )
        for name, series in drawn.items()
    ]
    whole = sorted({int(number) for number in marks(start, end)} | {start, end})
    return Chart(
        tuple(curves),
        tuple((across(number), number) for number in _apart(whole, end - start)),
        tuple((down(figure), figure) for figure in marks(low, high, 4)),
        len(known) - len(drawn),
    )


def _thinned(series: Series) -> Series:
    stride = -(-len(series) // MOST_POINTS)
    return series[:-1:stride] + series[-1:]


def _apart(numbers: list[int], span: int) -> list[int]:
    """Drop the marks that stand too close to the first or the last to be read."""
    first, last = numbers[0], numbers[-1]
    kept = [number for number in numbers if number - first > span * 0.08 and last - number > span * 0.08]
    return [first, *kept, last]
