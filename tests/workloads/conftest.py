"""The Python that has the training packages, if the caller names one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.workloads.job import Job

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "SPARK_RUNBOOK_TRAINING_PYTHON"


@pytest.fixture(scope="session")
def training_python() -> str:
    python = os.environ.get(VARIABLE)
    if not python:
        pytest.skip(f"{VARIABLE} does not name a Python with the packages of workloads/requirements.txt")
    return python


@pytest.fixture
def job(training_python: str, tmp_path: Path) -> Job:
    return Job(training_python, tmp_path)
