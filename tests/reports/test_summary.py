"""The verdict is never better than what the checks say."""

from collections.abc import Callable

import pytest

from reports.drift import drifting, odd_ones_out, weights_agree
from reports.matrix import places, steps
from reports.model import Report
from reports.outcome import Outcome
from reports.picture import loss_curve
from reports.summary import Verdict, sentence, verdict
from tests.reports.samples import Json, a_check, a_report, broken, healthy

Read = Callable[[Json], Report]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("passed", Verdict.READY),
        ("fixed", Verdict.READY),
        ("skipped", Verdict.READY),
        ("failed", Verdict.NOT_READY),
        ("would_fix", Verdict.NOT_READY),
        ("fix_failed", Verdict.NOT_READY),
        ("unknown", Verdict.NOT_SURE),
        ("blocked", Verdict.NOT_SURE),
    ],
)
def test_one_check_decides_even_against_a_file_that_says_ready(read: Read, outcome: str, expected: Verdict) -> None:
    assert verdict(read(a_report([a_check("a.a", 1, None), a_check("a.b", 1, None, outcome)]))) is expected


def test_a_failure_outweighs_what_could_not_be_read(read: Read) -> None:
    report = a_report([a_check("a.a", 1, None, "unknown"), a_check("a.b", 1, None, "failed")])
    assert verdict(read(report)) is Verdict.NOT_READY


def test_a_file_that_does_not_say_ready_is_not_told_as_ready(read: Read) -> None:
    report = healthy()
    report["run"]["ready"] = False
    assert verdict(read(report)) is Verdict.NOT_SURE


def test_an_interrupted_run_is_not_sure(read: Read) -> None:
    report = healthy()
    report["run"]["interrupted"] = True
    assert verdict(read(report)) is Verdict.NOT_SURE


def test_a_run_without_checks_is_not_sure(read: Read) -> None:
    report = read(a_report([]))
    assert verdict(report) is Verdict.NOT_SURE
    assert sentence(report) == "No check was run."


def test_the_sentence_counts_every_outcome(read: Read) -> None:
    told = "12 checks: 1 fix failed, 1 failed, 1 would fix, 1 unknown, 2 blocked, 1 fixed, 4 passed, 1 skipped."
    assert sentence(read(broken())) == told


def test_an_undo_says_why_it_is_not_sure(read: Read) -> None:
    content = a_report([a_check("docker.usable", 2, "spark-1", "fixed")])
    content["run"] |= {"mode": "undo", "ready": False}
    report = read(content)
    assert verdict(report) is Verdict.NOT_SURE
    assert sentence(report).endswith("does not judge whether the cluster is ready.")


def test_a_cell_shows_its_worst_outcome_and_counts_all(read: Read) -> None:
    report = read(broken())
    fourth = next(step for step in steps(report) if step.number == 4)
    cell = fourth.cells[places(report).index("spark-1")]
    assert (cell.worst, cell.share, cell.told) == (Outcome.WOULD_FIX, "1/2", "1 would fix, 1 passed")


def test_a_step_that_is_listed_but_was_not_run_is_still_told(read: Read) -> None:
    third = next(step for step in steps(read(broken())) if step.number == 3)
    assert {cell.told for cell in third.cells} == {"not run"}


def test_a_check_of_a_step_and_node_that_are_not_listed_is_still_told(read: Read) -> None:
    report = read(a_report([a_check("extra.thing", 99, "spark-9", "failed")]))
    assert places(report)[-1] == "spark-9"
    assert steps(report)[-1].title == "Step 99"


def test_the_node_that_differs_from_most_is_marked() -> None:
    assert odd_ones_out(["6.17", "6.17", "7.0", None]) == [False, False, True, False]


def test_two_nodes_that_differ_are_both_marked(read: Read) -> None:
    assert drifting(read(broken()).nodes)["kernel"] == [True, True]


def test_a_fact_that_is_not_known_is_no_difference(read: Read) -> None:
    assert drifting(read(broken()).nodes)["docker"] == [False, False]


@pytest.mark.parametrize(
    ("sums", "agree"), [(["a", "a"], True), (["a", "b"], False), (["a", None], None), (["a"], None)]
)
def test_weights_agree_only_where_all_sums_are_known(read: Read, sums: list[str | None], agree: bool | None) -> None:
    report = healthy()
    report["training"]["ranks"] = [{"rank": rank, "weights_sha256": value} for rank, value in enumerate(sums)]
    training = read(report).training
    assert training is not None
    assert weights_agree(training) is agree


def test_the_curve_runs_from_the_first_loss_to_the_last_within_its_frame(read: Read) -> None:
    report = healthy()
    report["training"]["steps"] = [{"step": n, "loss": 5.0 - n / 1000} for n in range(1, 3001)]
    training = read(report).training
    assert training is not None
    curve = loss_curve(training)
    assert curve is not None
    spots = [tuple(map(float, spot.split(","))) for spot in curve.points.split()]
    assert len(spots) <= 401
    assert (spots[0], spots[-1]) == ((56.0, 16.0), (624.0, 168.0))
    assert (curve.high, curve.low) == (4.999, 2.0)


def test_there_is_no_curve_of_one_loss(read: Read) -> None:
    report = healthy()
    report["training"]["steps"] = [{"step": 1, "loss": 5.0}, {"step": 2, "loss": None}]
    training = read(report).training
    assert training is not None
    assert loss_curve(training) is None
