"""How a run is told: JUnit, HTML and Markdown, made from report.json alone."""

from pathlib import Path

from reports.files import point, write_whole
from reports.html import to_html
from reports.index import write_index
from reports.junit import to_junit
from reports.load import ReportError, load
from reports.markdown import to_markdown
from reports.metrics import to_metrics
from reports.model import Report

__all__ = ["ReportError", "render", "write_formats", "write_metrics"]


def render(run_dir: Path) -> None:
    """Write the formats of a run that has just ended; beside its folder, point `latest` to it and tell all runs.

    Raises:
        ReportError: report.json cannot be read, or the folder cannot be written.
    """
    report = load(run_dir / "report.json")
    _write_formats(run_dir, report)
    folder = run_dir.resolve()
    link = folder.with_name("latest")
    try:
        point(link, folder.name)
    except OSError as error:
        raise ReportError(f"{link} cannot be pointed to the run ({error.strerror}); move it away.") from error
    try:
        write_index(folder.parent, {folder.name: report})
    except OSError as error:
        raise ReportError(f"{folder.parent} cannot be written ({error.strerror}); make room.") from error


def write_formats(run_dir: Path) -> list[Path]:
    """Write junit.xml, report.html and summary.md beside report.json, and return their paths.

    Raises:
        ReportError: report.json cannot be read, or the folder cannot be written.
    """
    return _write_formats(run_dir, load(run_dir / "report.json"))


def _write_formats(run_dir: Path, report: Report) -> list[Path]:
    paths = []
    for name, tell in (("junit.xml", to_junit), ("report.html", to_html), ("summary.md", to_markdown)):
        paths.append(run_dir / name)
        _write(run_dir / name, tell(report))
    return paths


def write_metrics(run_dir: Path, path: Path) -> None:
    """Write a run as a Prometheus textfile; whoever reads it meanwhile sees the old one or the new one.

    Raises:
        ReportError: report.json cannot be read, or the file cannot be written.
    """
    _write(path, to_metrics(load(run_dir / "report.json")))


def _write(path: Path, content: str) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise ReportError(f"{path} cannot be written ({error.strerror}); make room or give the right.") from error
