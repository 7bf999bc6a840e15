"""Bad options and inventories end in one sentence and exit status 4, before anything is touched."""

from pathlib import Path

import pytest

from tests.engine.project import Project, Result


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("options"))


def _sentence(result: Result) -> str:
    assert "Traceback" not in result.out + result.err
    (line,) = [line for line in result.err.splitlines() if line.startswith("ERROR: ")]
    return line.removeprefix("ERROR: ")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--fix", "--plan"], "--plan and --fix contradict each other: choose one."),
        (["--fix", "--undo", "x"], "--fix and --undo contradict each other: choose one."),
        (["--lab", "--inventory", "x.yaml"], "--lab and --inventory contradict each other: choose one."),
        (["--inventory", "none.yaml"], "none.yaml does not exist: write it, or name another with --inventory."),
        (["--inventory", "bad.yaml"], "bad.yaml:2: nodes[0].colour: unknown key; docs/inventory.md lists the keys"),
        (["--undo", "20260101-000000-fix"], "no run 20260101-000000-fix with changes is in"),
    ],
)
def test_a_bad_option_is_one_sentence(project: Project, options: list[str], told: str) -> None:
    (project.folder / "bad.yaml").write_text("nodes:\n- {name: a, colour: red}\n")
    result = project.run(*options)
    assert result.exit == 4
    assert _sentence(result).startswith(told)
    assert list(project.node.iterdir()) == []


def test_an_unknown_run_is_answered_with_those_there_are(tmp_path: Path) -> None:
    project = Project(tmp_path)
    fixed = project.run("--fix")
    assert fixed.report is not None
    result = project.run("--undo", "latest-but-one")
    assert result.exit == 4
    assert _sentence(result).endswith(f"these can be taken back: {fixed.report['run']['id']}.")


def test_xdist_is_refused(project: Project) -> None:
    result = project.run("-n", "2")
    assert result.exit == 4
    assert "Traceback" not in result.out + result.err


def test_the_default_inventory_is_read_where_it_lies(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (project.folder / "cluster.yaml").write_text("nodes: []\n")
    result = project.run()
    assert result.exit == 4
    assert _sentence(result).endswith("cluster.yaml:1: nodes: it is empty; list at least one.")
