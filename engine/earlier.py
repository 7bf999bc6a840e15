"""What the reports of earlier runs tell."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_READ = 50
"""So many reports are looked through, each of which may have some megabytes."""


def trainings(reports: Path, before: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the runs before one that trained, the newest first, each with what its report tells of the training."""
    names = sorted((path.parent.name for path in reports.glob("2*/report.json")), reverse=True)
    for name in [name for name in names if name < before][:MOST_READ]:
        try:
            told = json.loads((reports / name / "report.json").read_text(encoding="utf-8"))["training"]
        except (OSError, ValueError, LookupError, TypeError):
            continue  # half a report, or none of ours
        if isinstance(told, dict):
            yield name, told
