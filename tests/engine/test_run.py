"""A whole run, as a person starts it: check, plan, fix, fix again, undo."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.cluster import Cluster
from engine.lock import ClusterLock
from engine.run import Run
from tests.engine.project import CHECKS, Project

SLOW = CHECKS.replace('f"touch {{FOLDER}}/made"', 'f"touch {{FOLDER}}/made; touch {{FOLDER}}/begun; sleep 8"')
UNKNOWN = '''
from cluster.errors import UnknownFact
from engine.check import check, step

pytestmark = step(1, "Ask")


@check("files.secret")
def test_secret_is_told(node):
    """The secret is told in {folder}."""
    raise UnknownFact("nobody tells it")


@check("files.rest", needs=("files.secret",))
def test_rest(node):
    """The rest is there."""
    assert node.name != ""
'''


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_check_says_what_is_wrong_and_changes_nothing(project: Project) -> None:
    result = project.run()
    assert (result.exit, result.outcomes) == (1, {"files.first": "failed", "files.second": "blocked"})
    assert result.report is not None
    first = result.report["checks"][0]
    assert (first["found"], first["expected"], first["cause"]) == ("missing", "there", "nobody made it")
    assert (result.report["run"]["mode"], result.report["run"]["ready"]) == ("check", False)
    assert list(project.node.iterdir()) == []


@pytest.mark.parametrize(
    "checks",
    [CHECKS.replace("nobody made it", "password=hunter2"), UNKNOWN.replace("nobody tells it", "password=hunter2")],
)
def test_pytests_own_junit_tells_no_secret(tmp_path: Path, checks: str) -> None:
    Project(tmp_path, checks).run(f"--junit-xml={tmp_path}/own.xml")
    told = (tmp_path / "own.xml").read_text()
    assert "password=(redacted)" in told
    assert "hunter2" not in told


def test_a_plan_says_what_would_be_done_and_changes_nothing(project: Project) -> None:
    result = project.run("--plan")
    assert (result.exit, result.outcomes) == (1, {"files.first": "would_fix", "files.second": "blocked"})
    assert f"sudo touch {project.node}/made" in result.out
    assert list(project.node.iterdir()) == []


def test_a_fix_is_proved_repeated_without_effect_and_taken_back(project: Project) -> None:
    fixed = project.run("--fix")
    assert (fixed.exit, fixed.outcomes) == (0, {"files.first": "fixed", "files.second": "passed"})
    again = project.run("--fix")
    assert (again.exit, again.outcomes) == (0, {"files.first": "passed", "files.second": "passed"})
    assert again.report is not None
    assert again.report["undo"] is None
    assert fixed.report is not None
    assert fixed.report["undo"].endswith(f" --undo {fixed.report['run']['id']}")
    undone = project.run("--undo", fixed.report["run"]["id"])
    assert undone.exit == 0
    assert list(project.node.iterdir()) == []


def test_what_cannot_be_read_is_neither_ready_nor_wrong(tmp_path: Path) -> None:
    result = Project(tmp_path, UNKNOWN).run()
    assert (result.exit, result.outcomes) == (6, {"files.secret": "unknown", "files.rest": "blocked"})


def test_one_check_can_be_run_alone_and_tells_what_it_compared(project: Project) -> None:
    (project.node / "made").touch()
    result = project.run("-k", "can_be_read")
    assert result.outcomes == {"files.second": "passed"}
    assert result.report is not None
    assert [(one["found"], one["expected"]) for one in result.report["checks"]] == [("there", "there")]
    assert result.report["run"]["whole"] is False


def test_a_run_that_stops_at_a_failure_calls_no_node_ready(project: Project) -> None:
    whole, stopped = project.run("--min-ready", "1"), project.run("--min-ready", "1", "-x")
    told = [run.report["run"] for run in (whole, stopped) if run.report is not None]
    assert [(run["whole"], run["nodes_ready"]) for run in told] == [(True, 0), (False, None)]
    assert (stopped.exit, stopped.outcomes) == (1, {"files.first": "failed"})


def test_an_interrupted_run_says_so_and_what_it_did_can_be_taken_back(tmp_path: Path) -> None:
    project = Project(tmp_path, SLOW)
    process = project.start("--fix")
    result = project.end_when(process, project.node / "begun", signal.SIGINT)
    assert result.exit == 2
    assert "INTERRUPTED" in result.out
    assert result.report is not None
    assert (result.report["run"]["interrupted"], result.report["run"]["ready"]) == (True, False)
    assert project.run("--undo", result.report["run"]["id"]).exit == 0
    assert not (project.node / "made").exists()


@pytest.mark.parametrize("signs", [[signal.SIGINT] * 3, [signal.SIGTERM], [signal.SIGHUP, signal.SIGINT]])
def test_whoever_ends_a_run_gets_its_report_however_often_he_asks(tmp_path: Path, signs: list[signal.Signals]) -> None:
    project = Project(tmp_path, SLOW)
    process = project.start("--fix")
    project.wait_for(process, project.node / "begun")
    for sign in signs:
        process.send_signal(sign)
        time.sleep(0.05)
    result = project.finish(process)
    assert (result.exit, result.report is not None) == (2, True)
    assert "INTERRUPTED" in result.out
    assert "Traceback" not in result.out + result.err
    assert result.report is not None
    assert (result.report["run"]["interrupted"], result.report["run"]["ready"]) == (True, False)


def test_a_repair_goes_on_when_nobody_reads_what_it_says(project: Project) -> None:
    process = project.start("--fix")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(60)) == ("", 0)
    assert (project.reports / "latest" / "report.json").exists()


def test_a_report_that_cannot_be_written_is_told_after_the_verdict(project: Project) -> None:
    (project.reports / "latest").mkdir(parents=True)
    (project.reports / "latest" / "mine").touch()
    result = project.run()
    assert result.exit == 1
    assert re.search(r"Report:  \S+report\.html\s+Missing: .+move it away", result.out)
    assert "Traceback" not in result.out + result.err
    # What is asked for and not written is no success either.
    (project.node / "made").touch()
    assert project.run().exit == 3


def test_an_undo_whose_journal_cannot_be_read_says_so(project: Project) -> None:
    (project.reports / "20260101-000000-fix/journal.jsonl").mkdir(parents=True)
    told = project.run("--undo", "20260101-000000-fix")
    assert told.exit == 4
    assert "no run 20260101-000000-fix with changes is in" in told.err


def test_an_undo_that_breaks_is_no_undo(project: Project) -> None:
    assert project.run("--fix").exit == 0
    (run,) = {path.resolve().name for path in project.reports.glob("*-fix")}
    # Breaks it where no mistake is foreseen.
    (project.folder / "conftest.py").write_text(
        'pytest_plugins = ["engine.plugin"]\nimport engine.run\nengine.run.undo_run = None\n'
    )
    broken = project.run("--undo", run)
    assert broken.exit == 3
    assert "TAKEN BACK" not in broken.out
    assert (project.node / "made").exists()


def test_an_undo_by_the_link_to_the_newest_run_speaks_of_that_run(project: Project) -> None:
    assert project.run("--fix").exit == 0
    (run,) = {path.resolve().name for path in project.reports.glob("*-fix")}
    assert project.run("--undo", "latest").exit == 0
    assert not (project.node / "made").exists()
    again = project.run("--undo", "latest")
    assert (again.exit, f"these can be taken back: {run}" in again.err) == (4, True)


@pytest.mark.parametrize("option", ["--fixtures", "--fixtures-per-test"])
def test_a_list_of_fixtures_leaves_no_report(project: Project, option: str) -> None:
    assert project.run(option).exit == 0
    assert not (project.reports / "latest").exists()


def test_metrics_that_cannot_be_written_are_told_at_once(project: Project) -> None:
    result = project.run("--metrics", str(project.node / "nowhere" / "file"))
    assert (result.exit, result.out) == (4, "")
    assert "name a file in a directory that is there" in result.err


def test_a_killed_run_can_be_taken_back(tmp_path: Path) -> None:
    project = Project(tmp_path, SLOW)
    killed = project.end_when(project.start("--fix"), project.node / "begun", signal.SIGKILL)
    assert (killed.exit, killed.report) == (-signal.SIGKILL, None)
    (run,) = project.reports.iterdir()
    assert (project.node / "made").exists()
    undone = project.run("--undo", run.name)
    assert undone.exit == 0
    assert not (project.node / "made").exists()


def test_runs_of_the_same_second_keep_apart(project: Project) -> None:
    running = [project.start() for _ in range(4)]
    assert [project.finish(one).exit for one in running] == [1] * 4
    assert len([path for path in project.reports.glob("*/report.json") if not path.parent.is_symlink()]) == 4


def test_where_no_report_can_be_written_nothing_is_begun(project: Project) -> None:
    project.reports.write_text("a file, where the directory should be")
    result = project.run("--fix")
    assert result.exit == 4
    assert f"No report can be written to {project.reports} (File exists): name another directory" in result.err
    assert list(project.node.iterdir()) == []


def test_two_runs_do_not_train_at_a_time_and_a_check_may_come_between(project: Project, cluster: Cluster) -> None:
    if os.geteuid() != 0:
        pytest.skip("the lock lies where only root may write")
    other = ClusterLock(cluster)
    other.acquire("20260101-000000-check")
    try:
        refused = project.run("--train", "smoke")
        assert (refused.exit, refused.report) == (4, None)
        assert "is being changed by run 20260101-000000-check of" in refused.err
        assert project.run().exit == 1
    finally:
        other.release()


@pytest.mark.parametrize(
    ("mode", "train", "done"),
    [
        ("check", "none", ["connect and read ahead"]),
        ("check", "smoke", ["connect", "lock", "read ahead"]),
        ("plan", "full", ["connect", "lock", "read ahead"]),
        ("fix", "none", ["connect", "lock", "take back", "read ahead"]),
        ("undo", "none", ["connect", "lock", "take back"]),
    ],
)
def test_a_run_is_locked_where_it_trains_and_takes_something_back_only_where_it_changes(
    mode: str, train: str, done: list[str]
) -> None:
    told: list[str] = []

    def note(what: str) -> Callable[..., None]:
        return lambda *_: told.append(what)

    cluster = SimpleNamespace(
        connect=note("connect"),
        connect_and_read_ahead=note("connect and read ahead"),
        read_ahead=note("read ahead"),
        on_all=note("take back"),
        reached=[],
    )
    run: Any = SimpleNamespace(
        options=SimpleNamespace(mode=mode, train=train),
        cluster=cluster,
        id="20260101-000000",
        whole=True,
        _lock=SimpleNamespace(acquire=note("lock")),
        _reserve_directory=lambda: None,
    )
    Run.open(run, [1])
    assert told == done


def test_a_run_that_ends_before_it_begins_leaves_no_directory(project: Project) -> None:
    assert project.run("--undo", "20260101-000000-fix").exit == 4
    assert list(project.reports.iterdir()) == []
