"""The textfile is one that Prometheus reads, and tells the run as it was."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from reports import ReportError, write_metrics
from reports.metrics import to_metrics
from reports.model import Report
from tests.reports import samples
from tests.reports.pieces import Json

Read = Callable[[Json], Report]

LABEL = r'[a-z_]+="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf"spark_runbook_([a-z_]+)\{{({LABEL}(?:,{LABEL})*)\}} (-?[0-9.e+-]+)")


def values(report: Report) -> dict[tuple[str, str], float]:
    """The samples by name and labels; every other line has to be a comment of the format."""
    found = {}
    for line in to_metrics(report).splitlines():
        sample = SAMPLE.fullmatch(line)
        assert sample or re.match(r"# (HELP|TYPE) spark_runbook_[a-z_]+ ", line), line
        if sample:
            found[sample[1], sample[2]] = float(sample[5])
    return found


def test_a_ready_run_is_told_with_its_time_and_speed(read: Read) -> None:
    told = values(read(samples.healthy()))
    assert told["ready", 'cluster="desk"'] == 1
    assert told["checks", 'cluster="desk",outcome="failed"'] == 0
    assert told["finished_timestamp_seconds", 'cluster="desk"'] == 1795459501 + 73.2
    assert told["training_tokens_per_second", 'cluster="desk",recipe="tiny"'] == 900.1


def test_a_run_of_some_checks_is_told_apart_from_one_of_all(read: Read) -> None:
    report = samples.healthy()
    assert values(read(report))["whole", 'cluster="desk"'] == 1
    report["run"]["whole"] = False
    assert values(read(report))["whole", 'cluster="desk"'] == 0


def test_what_needs_attention_is_told_by_check_and_node(read: Read) -> None:
    told = values(read(samples.broken()))
    assert told["ready", 'cluster="desk"'] == 0
    assert told["check_needs_attention", 'cluster="desk",check="gpu.advertised",node="spark-2",outcome="failed"'] == 1
    assert sum(name == "check_needs_attention" for name, _ in told) == 4


def test_a_margin_is_told_in_its_unit(read: Read) -> None:
    labels = 'cluster="desk",check="fabric.collective",node="cluster",unit="GB/s on the bus"'
    assert values(read(samples.broken()))["check_margin", labels] == -3.675


@pytest.mark.parametrize("sample", [samples.hostile, samples.large])
def test_hostile_text_breaks_no_line(read: Read, sample: Callable[[], Json]) -> None:
    assert values(read(sample()))


def test_the_file_is_written_whole_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(samples.healthy()))
    (tmp_path / "textfile").mkdir()
    write_metrics(tmp_path, tmp_path / "textfile" / "spark.prom")
    assert [path.name for path in (tmp_path / "textfile").iterdir()] == ["spark.prom"]


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(samples.healthy()))
    with pytest.raises(ReportError, match=r"spark\.prom cannot be written \(No such file or directory\)"):
        write_metrics(tmp_path, tmp_path / "none" / "spark.prom")
