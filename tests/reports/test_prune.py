"""Old runs go only when somebody says so, and never those that are still needed."""

import json
from pathlib import Path

import pytest

from reports.__main__ import main
from tests.reports.runs import a_run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Six runs: the first changed something, the second was the last ready, and `latest` points to the sixth."""
    folders = [a_run(tmp_path, number) for number in range(1, 7)]
    (folders[0] / "journal.jsonl").touch()
    (folders[1] / "state.json").touch()
    (tmp_path / "latest").symlink_to(folders[5].name)
    return tmp_path


def days(out: Path) -> list[int]:
    return sorted(int(path.name[6:8]) for path in out.glob("2*"))


def test_without_yes_it_is_told_what_could_go_and_nothing_goes(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune", str(out), "--keep", "2"]) == 0
    told = capsys.readouterr().out
    assert days(out) == [1, 2, 3, 4, 5, 6]
    assert told.count("could go\n") == 2
    assert "2 of 6 runs could go" in told
    assert "Nothing was removed: --yes removes them." in told


def test_with_yes_those_go_that_were_told(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune", str(out), "--keep", "2", "--yes"]) == 0
    assert days(out) == [1, 2, 5, 6]
    told = capsys.readouterr().out
    assert told.count("removed\n") == 2
    assert "20261103" not in (out / "index.html").read_text()


def test_why_an_old_run_stays_is_told(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["prune", str(out), "--keep", "2"])
    told = capsys.readouterr().out
    assert "stays: its changes can be taken back by it" in told
    assert "stays: the diagnosis compares with it" in told


def test_what_can_be_taken_back_goes_only_when_it_is_named(out: Path) -> None:
    main(["prune", str(out), "--keep", "2", "--undoable", "--yes"])
    assert days(out) == [2, 5, 6]


def test_the_latest_stays_wherever_it_stands(out: Path) -> None:
    (out / "latest").unlink()
    (out / "latest").symlink_to("20261103-060000-check")
    main(["prune", str(out), "--keep", "1", "--yes"])
    assert days(out) == [1, 2, 3, 6]


def test_what_is_no_run_is_left_alone(out: Path) -> None:
    others = [out / name for name in ("notes", "2024-photos", "2026-baseline", "20261101-060000-check-before")]
    for other in others:
        other.mkdir()
    main(["prune", str(out), "--keep", "1", "--yes"])
    assert all(other.is_dir() for other in others)


@pytest.mark.parametrize("number", ["0", "-3", "all"])
def test_at_least_one_run_stays(out: Path, number: str) -> None:
    with pytest.raises(SystemExit):
        main(["prune", str(out), "--keep", number, "--undoable", "--yes"])
    assert len(days(out)) == 6


@pytest.mark.parametrize("command", ["prune", "history"])
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path}/none is no folder with runs: name the one")


def test_an_empty_folder_has_nothing_to_remove(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "Nothing to remove: 0 runs, all stay.\n"


def test_of_each_cluster_the_run_stays_that_it_is_compared_with(out: Path) -> None:
    folders = sorted(out.glob("2*"))
    for folder, nodes in zip(folders[1:4], ("a", "b", "a"), strict=True):
        (folder / "state.json").write_text(json.dumps({"run": folder.name, "nodes": {nodes: {}}}))
    main(["prune", str(out), "--keep", "1", "--yes"])
    assert days(out) == [1, 3, 4, 6]
