"""Files appear whole, and latest points to the run that ended last."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reports import ReportError, render
from reports.__main__ import main
from tests.reports.samples import broken, healthy

FORMATS = {"report.json", "junit.xml", "report.html", "summary.md"}


def a_run(out: Path, name: str) -> Path:
    folder = out / name
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(broken()))
    return folder


def test_all_formats_lie_beside_the_report_and_nothing_else(tmp_path: Path) -> None:
    run = a_run(tmp_path, "first")
    render(run)
    assert {path.name for path in run.iterdir()} == FORMATS
    assert {path.name for path in tmp_path.iterdir()} == {"first", "latest", "index.html"}


def test_latest_points_to_the_newest_run_by_a_relative_link(tmp_path: Path) -> None:
    for name in ("first", "second"):
        render(a_run(tmp_path, name))
        assert (tmp_path / "latest").readlink() == Path(name)


def test_a_run_named_by_latest_does_not_make_latest_point_to_itself(tmp_path: Path) -> None:
    render(a_run(tmp_path, "first"))
    render(tmp_path / "latest")
    assert (tmp_path / "latest").readlink() == Path("first")


def test_a_run_named_by_a_relative_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(a_run(tmp_path, "first"))
    render(Path())
    assert (tmp_path / "latest").readlink() == Path("first")


def test_a_folder_in_the_place_of_latest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(ReportError, match="latest cannot be pointed to the run"):
        render(a_run(tmp_path, "first"))
    assert {path.name for path in tmp_path.iterdir()} == {"first", "latest"}


def test_a_report_that_cannot_be_read_leaves_what_was_there(tmp_path: Path) -> None:
    run = a_run(tmp_path, "first")
    render(run)
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.name != "report.json"}
    (run / "report.json").write_text('{"schema": 1, "run"')
    with pytest.raises(ReportError):
        render(run)
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.name != "report.json"} == before


def test_a_write_that_fails_leaves_the_old_file_and_no_scrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(tmp_path, "first")
    render(run)
    before = (run / "report.html").read_bytes()
    (run / "report.json").write_text(json.dumps(healthy()))
    write_text = Path.write_text

    def disk_full(path: Path, content: str, encoding: str) -> int:
        if "report.html" not in path.name:
            return write_text(path, content, encoding=encoding)
        write_text(path, content[:100], encoding=encoding)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", disk_full)
    with pytest.raises(ReportError, match=r"report\.html cannot be written \(No space left on device\)"):
        render(run)
    assert (run / "report.html").read_bytes() == before
    assert {path.name for path in run.iterdir()} == FORMATS


def test_the_files_can_be_read_by_others_as_the_umask_says(tmp_path: Path) -> None:
    run = a_run(tmp_path, "first")
    before = os.umask(0o022)
    try:
        render(run)
    finally:
        os.umask(before)
    assert (run / "report.html").stat().st_mode & 0o777 == 0o644


def test_the_command_tells_a_run_again_and_leaves_latest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = a_run(tmp_path, "first")
    render(a_run(tmp_path, "second"))
    assert main([str(older)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        str(older / name) for name in ("junit.xml", "report.html", "summary.md")
    ]
    assert (tmp_path / "latest").readlink() == Path("second")


def test_the_command_ends_in_one_sentence_where_there_is_no_report(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-m", "reports", str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert "report.json cannot be read" in ended.stderr
