"""The curves show what was told, within their frame, and the timeline where the time went."""

from collections.abc import Callable

import pytest

from reports.curves import loss_chart, speed_chart
from reports.model import Report, Training
from reports.scale import marks
from reports.timeline import timeline
from tests.reports.pieces import Json, a_check, a_report
from tests.reports.samples import healthy, large

Read = Callable[[Json], Report]


def training(read: Read, **differs: object) -> Training:
    content = healthy()
    content["training"] |= differs
    found = read(content).training
    assert found is not None
    return found


def test_the_loss_runs_from_the_first_step_to_the_last_within_its_frame(read: Read) -> None:
    chart = loss_chart(training(read, steps=[{"step": n, "loss": 5.0 - n / 1000} for n in range(1, 3001)]))
    assert chart is not None
    (curve,) = chart.curves
    spots = [tuple(map(float, spot.split(","))) for spot in curve.points.split()]
    assert len(spots) <= 401
    assert (spots[0], spots[-1]) == ((64.0, 16.0), (624.0, 184.0))
    assert (curve.first, curve.last) == (4.999, 2.0)
    assert [step for _, step in chart.steps] == [1, 500, 1000, 1500, 2000, 2500, 3000]


def test_there_is_no_curve_of_one_loss(read: Read) -> None:
    assert loss_chart(training(read, steps=[{"step": 1, "loss": 5.0}, {"step": 2, "loss": None}])) is None


def test_every_rank_has_a_line_of_its_own_above_zero(read: Read) -> None:
    chart = speed_chart(training(read))
    assert chart is not None
    assert [curve.name for curve in chart.curves] == ["rank 0 on spark-1", "rank 1 on spark-2"]
    assert min(figure for _, figure in chart.figures) == 0
    assert chart.curves[0].end[1] < chart.curves[1].end[1], "the faster rank is drawn higher up"


def test_ranks_that_told_no_steps_leave_the_line_of_the_whole(read: Read) -> None:
    chart = speed_chart(training(read, ranks=[{"rank": 0}, {"rank": 1}]))
    assert chart is not None
    assert [curve.name for curve in chart.curves] == ["rank 0"]


def test_more_ranks_than_can_be_told_apart_are_counted(read: Read) -> None:
    rank = {"node": None, "steps": [{"step": n, "tokens_per_s": 9.0} for n in (1, 2)]}
    chart = speed_chart(training(read, ranks=[rank | {"rank": number} for number in range(16)]))
    assert chart is not None
    assert (len(chart.curves), chart.left_out) == (8, 8)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0.3, 0.9, [0.4, 0.6, 0.8]), (5, 5, [5]), (0, 0, [0])],
)
def test_marks_are_round_figures_within_the_span(low: float, high: float, expected: list[float]) -> None:
    assert marks(low, high) == expected


def test_a_run_that_does_not_say_when_its_checks_began_has_no_timeline(read: Read) -> None:
    assert timeline(read(a_report([a_check("a.b", 1, None, started=None)]))) is None


def test_checks_stand_in_the_lane_of_their_step_as_long_as_they_took(read: Read) -> None:
    checks = [a_check("a.a", 1, None, started=0.0, seconds=2.0), a_check("a.b", 4, None, started=5.0, seconds=5.0)]
    clock = timeline(read(a_report(checks)))
    assert clock is not None
    assert [lane.number for lane in clock.lanes] == [1, 4]
    (first,), (second,) = (lane.bars for lane in clock.lanes)
    assert second.x - first.x == pytest.approx(5 / 2 * first.width, abs=0.5)
    assert second.width == pytest.approx(5 / 2 * first.width, abs=0.5)
    assert [check.id for _, check in clock.longest] == ["a.b", "a.a"]


def test_checks_that_cannot_be_told_apart_share_a_bar_unless_their_outcomes_differ(read: Read) -> None:
    checks = [
        a_check(f"a.c{n}", 1, None, outcome, started=n / 1000, seconds=0.001)
        for n, outcome in enumerate(["passed", "passed", "failed", "passed"])
    ]
    checks.append(a_check("a.last", 1, None, started=100.0, seconds=1.0))
    clock = timeline(read(a_report(checks)))
    assert clock is not None
    assert [bar.outcome.value for bar in clock.lanes[0].bars] == ["passed", "failed", "passed", "passed"]


def test_the_timeline_of_a_large_run_stays_small(read: Read) -> None:
    clock = timeline(read(large()))
    assert clock is not None
    assert sum(len(lane.bars) for lane in clock.lanes) < 200
