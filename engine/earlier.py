"""What earlier runs left in the folder of the reports."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

MOST_READ = 50
"""So many reports are looked through, each of which may have some megabytes."""


def newest_first(reports: Path, file: str) -> Iterator[tuple[str, Any]]:
    """Give each run that left such a file, and what is in it; of a machine that lost power there may be half of one."""
    for path in sorted(reports.glob(f"2*/{file}"), reverse=True):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # the run before it serves as well
        yield path.parent.name, told


def trainings(reports: Path, before: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the runs before one that trained, the newest first, each with what its report tells of the training."""
    for run, report in islice(newest_first(reports, "report.json"), MOST_READ):
        training = report.get("training") if isinstance(report, dict) else None
        if run < before and isinstance(training, dict):
            yield run, training
