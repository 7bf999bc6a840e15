"""Bad options and inventories end in one sentence and exit status 4, before anything is touched."""

import re
from pathlib import Path

import pytest

from tests.engine.project import CHECKS, Project, Result

BAD = {
    ("--fix", "--plan"): "--plan and --fix contradict each other: choose one.",
    ("--fix", "--undo", "x"): "--fix and --undo contradict each other: choose one.",
    ("--lab", "--inventory", "x.yaml"): "--lab and --inventory contradict each other: choose one.",
    ("--lab", "--collect-only"): "no lab is running, and --collect-only starts none: `python -m lab up` does.",
    ("--inventory", "none.yaml"): "none.yaml does not exist: write it, or name another with --inventory.",
    ("--inventory", "bad.yaml"): "bad.yaml:2: nodes[0].colour: unknown key; docs/inventory.md lists the keys",
    ("--undo", "20260101-000000-fix"): "no run 20260101-000000-fix with changes is in",
    ("--ask-become-pass",): "--ask-become-pass asks on a terminal, and there is none here",
    (
        "--limit",
        "a",
        "--fix",
    ): "--limit only looks: leave it out with --fix, for which the nodes have to be one cluster.",
    ("--limit", "a", "--train", "smoke"): "--limit only looks: leave it out with --train",
    ("--limit", "nobody"): "--limit nobody: no node or group is called nobody; there are",
    ("--min-ready", "1", "--fix"): "--min-ready only judges: leave it out with --fix, which is for all nodes.",
    ("--min-ready", "2"): "--min-ready 2: give a number from 1 to 1, the nodes that are looked at.",
    ("--ff",): "steps build on each other, so --ff cannot reorder them: leave it out.",
    ("--nf",): "steps build on each other, so --nf cannot reorder them: leave it out.",
    ("--setup-only",): "--setup-only judges nothing: leave it out.",
    ("--setup-plan",): "--setup-plan judges nothing: leave it out.",
    ("--metrics=/dev/null",): "--metrics /dev/null: name a file in a directory that is there.",
    (f"--report-dir=/{'x' * 300}",): f"No report can be written to /{'x' * 300} (File name too long)",
    ("--inventory", "raw.yaml"): "raw.yaml:2: nodes[0].x",
    ("-n", "2"): "steps build on each other, so xdist (-n) cannot run them",
}
"""Options, and how the sentence begins."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Result]:
    """All of them, run at once: most of the time goes into starting Python."""
    project = Project(tmp_path_factory.mktemp("options"))
    (project.folder / "bad.yaml").write_text("nodes:\n- {name: a, colour: red}\n")
    (project.folder / "raw.yaml").write_text('nodes:\n- {name: a, "x\\e[31mred\\a": 1}\n')
    started = {options: project.start(*options) for options in BAD}
    finished = {options: project.finish(process) for options, process in started.items()}
    assert list(project.node.iterdir()) == []
    return finished


def _sentence(result: Result) -> str:
    line, *_usage = [line for line in result.err.splitlines() if line.startswith("ERROR: ")]
    return line.removeprefix("ERROR: ")


@pytest.mark.parametrize("options", BAD, ids=" ".join)
def test_a_bad_option_is_one_sentence(results: dict[tuple[str, ...], Result], options: tuple[str, ...]) -> None:
    result = results[options]
    assert result.exit == 4
    assert "Traceback" not in result.out + result.err
    assert "\x1b" not in result.err
    assert _sentence(result).startswith(BAD[options])


def test_the_default_inventory_is_read_where_it_lies(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (project.folder / "cluster.yaml").write_text("nodes: []\n")
    result = project.run()
    assert result.exit == 4
    assert _sentence(result).endswith("cluster.yaml:1: nodes: it is empty; list at least one.")


LOAD = '''
from engine.check import check, step

pytestmark = step(1, "Measure in {folder}")


@check("load.asked", applies=lambda context: None if context.load else "not asked")
def test_load_was_asked_for(node):
    """Load was asked for."""
    assert node.name != "", "it has a name"
'''


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ((), "skipped"),
        (("--plan",), "skipped"),
        (("--load",), "passed"),
        (("--fix",), "passed"),
        (("--fix", "--train", "none"), "skipped"),
        (("--fix", "--train", "none", "--load"), "passed"),
    ],
)
def test_nothing_is_put_under_load_unasked(tmp_path: Path, options: tuple[str, ...], outcome: str) -> None:
    assert Project(tmp_path, LOAD).run(*options).outcomes == {"load.asked": outcome}


def test_what_was_allowed_is_in_the_command_that_comes_next(tmp_path: Path) -> None:
    result = Project(tmp_path).run("--allow", "restart-docker")
    assert result.report is not None
    assert "--plan --allow restart-docker` to see what would change, then `--fix`" in result.report["next"]
    remedies = [check["remedy"] for check in result.report["checks"] if check["id"] == "files.first"]
    assert [remedy.endswith("--fix --allow restart-docker") for remedy in remedies] == [True]


def test_the_checks_are_listed_with_what_fix_may_do_and_nothing_is_run(tmp_path: Path) -> None:
    result = Project(tmp_path).run("--list")
    assert (result.exit, result.report) == (0, None)
    assert "Step 4  Enable resource advertising" in result.out
    assert re.search(r"  gpu\.offered +node +daemon\.json offers.*\n +--fix: \S", result.out)
    assert "(limit tcp_gbps" in result.out


def test_metrics_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    Project(tmp_path).run(f"--metrics={tmp_path / 'spark.prom'}")
    assert 'spark_runbook_ready{cluster="' in (tmp_path / "spark.prom").read_text()


APPLIES = '''
from cluster.errors import UnknownFact
from engine.check import check, step
import pytest

pytestmark = step(1, "Ask in {folder}")


def unknown(context):
    raise UnknownFact("nobody can tell")


@pytest.fixture
def broken():
    raise ValueError("a mistake of ours")


@check("asks.applies", applies=unknown)
def test_it_may_apply(node):
    """It may apply."""
    assert node.name != "", "it has a name"


@check("asks.fixture")
def test_it_has_what_it_takes(node, broken):
    """It has what it takes."""
    assert node.name != "", "it has a name"


@check("asks.name")
def test_it_has_a_name(node):
    """It has a name."""
    assert node.name != "", "it has a name"
'''


def test_what_breaks_outside_of_an_assertion_is_unknown_and_never_left_out(tmp_path: Path) -> None:
    result = Project(tmp_path, APPLIES).run()
    assert result.outcomes == {"asks.applies": "unknown", "asks.fixture": "unknown", "asks.name": "passed"}
    assert result.report is not None
    causes = [check["cause"] for check in result.report["checks"]]
    assert causes[0] == "nobody can tell"
    assert causes[1].startswith("the check itself broke (ValueError: a mistake of ours)")
    assert result.exit == 6
    assert "Traceback" not in result.out + result.err


def test_a_run_that_leaves_checks_out_does_not_speak_of_the_whole(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for options in (("--lf",), ("--deselect", "runbook/test_01_files.py::test_file_is_there"), ("--sw",)):
        result = project.run(*options)
        assert result.report is not None, result.out + result.err
        assert result.report["run"]["whole"] is False, options


@pytest.mark.parametrize("option", ["--cleanup", "--limit=*"])
def test_a_run_of_some_steps_does_not_speak_of_the_whole(tmp_path: Path, option: str) -> None:
    project = Project(tmp_path)
    project.write("test_14_cleanup.py", CHECKS.replace("step(1,", "step(14,").replace("files.", "cleanup."))
    result = project.run(option)
    assert result.report is not None, result.out + result.err
    assert {check["step"] for check in result.report["checks"]} == ({14} if option == "--cleanup" else {1})
    assert result.report["run"]["whole"] is False


def test_a_gate_does_not_open_where_nothing_was_judged(tmp_path: Path) -> None:
    result = Project(tmp_path, LOAD).run("--min-ready", "1")
    assert (result.exit, result.outcomes) == (6, {"load.asked": "skipped"})
