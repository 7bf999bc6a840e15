"""Reports in various states, read as the formats get them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.load import load
from reports.model import Report
from tests.reports.pieces import Json


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Json], Report]:
    """Return a function that writes a report file and reads it back."""

    def write_and_load(content: Json) -> Report:
        path = tmp_path / "report.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return load(path)

    return write_and_load
