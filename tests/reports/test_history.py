"""The history knows every run, what changed between two, and which figures are worse than they used to be."""

from pathlib import Path

import pytest

from reports.compare import turns
from reports.history import CACHE, gather
from reports.load import ReportError, load
from reports.model import Report
from reports.outcome import Outcome
from reports.trend import band, trends
from tests.reports import samples
from tests.reports.pieces import a_check, a_report, a_threshold
from tests.reports.runs import a_run, measured, write

STEADY = [95.0, 96.0, 94.5, 95.5, 95.2, 94.8, 95.1, 95.9]


def test_every_run_that_can_be_read_is_there_oldest_first(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        a_run(tmp_path, number)
    (tmp_path / "20261104-060000-check").mkdir()
    (tmp_path / "20261104-060000-check" / "report.json").write_text('{"schema": 1, "run"')
    assert [run.id[:8] for run in gather(tmp_path)] == ["20261101", "20261102", "20261103"]


def test_a_report_is_read_once_and_again_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = a_run(tmp_path, 1)
    a_run(tmp_path, 2)
    gather(tmp_path)
    read: list[Path] = []

    def note(path: Path) -> Report:
        read.append(path)
        return load(path)

    monkeypatch.setattr("reports.history.load", note)
    assert len(gather(tmp_path)) == 2
    assert read == []
    (folder / "report.json").write_text((folder / "report.json").read_text() + "\n")
    gather(tmp_path)
    assert read == [folder / "report.json"]


@pytest.mark.parametrize("content", ["", "[]", '{"runs": {"x": 1}}', "\0"])
def test_a_broken_cache_is_made_again(tmp_path: Path, content: str) -> None:
    a_run(tmp_path, 1)
    (tmp_path / CACHE).write_text(content)
    assert len(gather(tmp_path)) == 1


def test_a_run_whose_folder_is_gone_is_forgotten(tmp_path: Path) -> None:
    folder = a_run(tmp_path, 1)
    gather(tmp_path)
    (folder / "report.json").unlink()
    assert gather(tmp_path) == []


def test_the_value_is_what_was_measured_not_what_was_to_spare(tmp_path: Path) -> None:
    (run,) = gather(measured(tmp_path, [95.0]))
    assert run.figures["network.tcp@cluster"].value == 95.0


def test_the_speed_of_a_training_is_a_figure_of_its_recipe_and_size(tmp_path: Path) -> None:
    write(tmp_path, "20261101-060000-fix", samples.healthy())
    (run,) = gather(tmp_path)
    assert run.figures["training@tiny@2"].value == 900.1


def test_what_ended_otherwise_is_told_with_what_got_worse_first(tmp_path: Path) -> None:
    before = [
        a_check("a.a", 1, None, "failed"),
        a_check("a.b", 1, None),
        a_check("a.c", 1, "spark-1"),
        a_check("d", 1, None),
    ]
    after = [
        a_check("a.a", 1, None),
        a_check("a.b", 1, None),
        a_check("a.c", 1, "spark-1", "unknown"),
        a_check("e", 1, None),
    ]
    write(tmp_path, "20261101-060000-check", a_report(before))
    write(tmp_path, "20261102-060000-check", a_report(after))
    first, second = gather(tmp_path)
    assert [(turn.check, turn.place, turn.before, turn.after, turn.worse) for turn in turns(first, second)] == [
        ("a.c", "spark-1", Outcome.PASSED, Outcome.UNKNOWN, True),
        ("a.a", "cluster", Outcome.FAILED, Outcome.PASSED, False),
        ("e", "cluster", None, Outcome.PASSED, False),
        ("d", "cluster", Outcome.PASSED, None, False),
    ]


def test_a_steady_figure_is_not_worse(tmp_path: Path) -> None:
    (trend,) = trends(gather(measured(tmp_path, STEADY)))
    assert trend.band is not None
    assert not trend.worse


def test_one_slow_run_is_chance(tmp_path: Path) -> None:
    (trend,) = trends(gather(measured(tmp_path, [*STEADY, 60.0])))
    assert not trend.worse


def test_a_figure_that_fell_is_worse(tmp_path: Path) -> None:
    (trend,) = trends(gather(measured(tmp_path, [*STEADY, 60.0, 61.0])))
    assert trend.worse


def test_a_figure_that_creeps_down_by_a_percent_a_run_is_worse_in_the_end(tmp_path: Path) -> None:
    creeping = [95.0 * 0.99**number for number in range(28)]
    (trend,) = trends(gather(measured(tmp_path, creeping)))
    assert trend.worse


@pytest.mark.parametrize(("newest", "worse"), [(3.5, False), (9.0, False), (12.5, True), (95.0, True)])
def test_what_has_hardly_neared_its_limit_is_not_worse(tmp_path: Path, newest: float, worse: bool) -> None:
    for number, value in enumerate([3.1, 3.0, 3.1, 3.0, 3.1, 3.0, newest, newest, newest], 1):
        limit = a_threshold("inodes_used", 90.0, "at most", "%", 90.0 - value)
        check = a_check("machine.inodes", 1, "spark-1", threshold=limit)
        write(tmp_path, f"202611{number:02}-060000-check", a_report([check]), number)
    (trend,) = trends(gather(tmp_path))
    assert trend.band is not None
    assert trend.recent > trend.band.high
    assert trend.worse is worse


def test_a_figure_that_was_past_its_limit_and_got_worse_is_worse(tmp_path: Path) -> None:
    (trend,) = trends(gather(measured(tmp_path, [70.0, 71.0, 70.5, 70.2, 70.8, 70.4, 60.0, 61.0, 60.5])))
    assert trend.worse


def test_a_figure_that_rose_is_not_worse(tmp_path: Path) -> None:
    (trend,) = trends(gather(measured(tmp_path, [*STEADY, 120.0, 121.0, 122.0])))
    assert not trend.worse


def test_there_is_no_band_of_too_few_runs() -> None:
    assert band([95.0] * 6) is None
    assert band([95.0] * 7) is not None


def test_the_band_of_what_is_never_below_zero_does_not_begin_there() -> None:
    noisy = [0.01, 0.09, 0.02, 0.08, 0.05, 0.05, 0.05]
    assert band(noisy).low == 0  # type: ignore[union-attr]  # a failure either way
    assert band([-value for value in noisy]).low < -0.1  # type: ignore[union-attr]  # a failure either way


def test_a_report_of_another_schema_is_left_out(tmp_path: Path) -> None:
    folder = a_run(tmp_path, 1)
    (folder / "report.json").write_text('{"schema": 2}')
    assert gather(tmp_path) == []
    with pytest.raises(ReportError):
        load(folder / "report.json")
