"""The verdict is never better than what the checks say."""

from collections.abc import Callable

import pytest

from reports.matrix import places, steps
from reports.model import Report
from reports.outcome import Outcome
from reports.summary import Verdict, sentence, verdict
from tests.reports.pieces import Json, a_check, a_report
from tests.reports.samples import broken, healthy, undone

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


@pytest.mark.parametrize("sample", [healthy, broken])
@pytest.mark.parametrize("mode", ["fix", "undo"])
def test_an_interrupted_run_is_told_as_one_whatever_it_found(read: Read, sample: Callable[[], Json], mode: str) -> None:
    report = sample()
    report["run"] |= {"interrupted": True, "mode": mode}
    assert verdict(read(report)) is Verdict.INTERRUPTED
    assert " was interrupted" in sentence(read(report))


@pytest.mark.parametrize("enough", [None, 1])
def test_a_part_that_holds_is_ready_only_as_far_as_asked(read: Read, enough: int | None) -> None:
    report = healthy()
    report["run"] |= {"whole": False, "min_ready": enough}
    assert verdict(read(report)) is Verdict.READY_IN_PART
    assert verdict(read(report)).is_ready


def test_a_run_without_checks_is_not_sure(read: Read) -> None:
    report = read(a_report([]))
    assert verdict(report) is Verdict.NOT_SURE
    assert sentence(report) == "No check was run."


@pytest.mark.parametrize(
    ("enough", "ready", "expected", "told"),
    [
        (None, False, Verdict.NOT_READY, "1 of 2 nodes is ready."),
        (1, True, Verdict.READY, "1 of 2 nodes is ready; 1 is enough."),
        (2, False, Verdict.NOT_READY, "1 of 2 nodes is ready; 2 are enough."),
    ],
)
def test_so_many_nodes_can_be_enough(read: Read, enough: int | None, ready: bool, expected: Verdict, told: str) -> None:
    report = broken()
    report["run"] |= {"nodes_ready": 1, "min_ready": enough, "ready": ready}
    assert verdict(read(report)) is expected
    assert sentence(read(report)).endswith(told)


def test_the_sentence_counts_every_outcome(read: Read) -> None:
    told = (
        "13 checks: 1 fix failed, 1 failed, 1 would fix, 1 unknown, 2 blocked, 1 fixed, 5 passed, 1 skipped. 1 warning."
    )
    assert sentence(read(broken())) == told


@pytest.mark.parametrize(
    ("second", "expected", "told"),
    [
        ("fixed", Verdict.TAKEN_BACK, "2 changes taken back."),
        ("fix_failed", Verdict.NOT_ALL_TAKEN_BACK, "1 change taken back, 1 still stands."),
    ],
)
def test_an_undo_tells_what_was_taken_back_and_judges_nothing(
    read: Read, second: str, expected: Verdict, told: str
) -> None:
    checks = [a_check("docker.usable", 2, "spark-1", "fixed"), a_check("docker.usable", 2, "spark-2", second)]
    content = a_report(checks)
    content["run"] |= {"mode": "undo", "ready": False}
    report = read(content)
    assert verdict(report) is expected
    assert sentence(report) == f"{told} Run `pytest runbook` to see whether the cluster is ready."


@pytest.mark.parametrize(
    ("command", "begins"),
    [
        ("pytest runbook --lab --undo 20261123-184501-fix --allow x", "Undid run 20261123-184501-fix: 1 change"),
        ("pytest runbook --undo=20261123-184501-fix", "Undid run 20261123-184501-fix: 1 change"),
        ("pytest runbook --undo 20261123-184501-fix-2", "Undid run 20261123-184501-fix-2: 1 change"),
        ("pytest runbook --undo `x`", "1 change"),
        ("pytest runbook --undo 20261123-184501-fix`x`", "1 change"),
        (None, "1 change"),
    ],
)
def test_an_undo_names_the_run_that_it_took_back_where_that_is_known(
    read: Read, command: str | None, begins: str
) -> None:
    content = a_report([a_check("docker.usable", 2, "spark-1", "fixed")])
    content["run"] |= {"mode": "undo", "command": command}
    assert sentence(read(content)).startswith(f"{begins} taken back.")


def test_a_row_of_an_undo_is_not_titled_by_the_change_of_one_node(read: Read) -> None:
    content = undone()
    (step,) = [step for step in steps(read(content)) if step.groups]
    assert [row.title for row in step.rows] == ["docker.usable"]
    assert [cell.told for cell in step.cells] == ["1 taken back", "1 still stands"]


def test_a_run_of_some_checks_says_that_it_speaks_of_no_more(read: Read) -> None:
    report = healthy()
    report["run"]["whole"] = False
    assert sentence(read(report)).endswith("Only a part of all checks was selected.")


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


def test_each_check_has_a_row_with_an_entry_for_each_place(read: Read) -> None:
    report = read(broken())
    second = next(step for step in steps(report) if step.number == 2)
    told = {row.id: [entry and entry.check.outcome.value for entry in row.entries] for row in second.rows}
    assert told == {"fabric.collective": ["passed", None, None], "docker.usable": [None, "passed", "fixed"]}


def test_a_check_that_warns_is_a_group_of_its_own_that_is_never_brief(read: Read) -> None:
    checks = [a_check("a.a", 1, "spark-1"), a_check("a.a", 1, "spark-2", warning="it is slow")]
    (step,) = [step for step in steps(read(a_report(checks))) if step.groups]
    assert [(group.warned, group.brief) for group in step.groups] == [(True, False), (False, True)]


def test_a_cell_with_nothing_to_look_at_counts_nothing(read: Read) -> None:
    content = healthy()
    content["checks"].append({**content["checks"][0], "id": "ssh.other", "outcome": "skipped"})
    cells = [cell for step in steps(read(content)) for cell in step.cells]
    assert any(len({check.outcome for check in cell.checks}) > 1 for cell in cells)
    assert {cell.share for cell in cells} == {""}
