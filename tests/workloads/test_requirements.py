"""The packages of the training container, and the rows that are shipped."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

WORKLOADS = Path(__file__).parents[2] / "workloads"
PIN = re.compile(r"^[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*$")


def _pins() -> dict[str, str]:
    lines = (WORKLOADS / "requirements.txt").read_text().splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in told if not PIN.match(line)] == []
    return dict(line.split("==") for line in told)


def test_what_the_program_imports_is_pinned() -> None:
    assert {"torch", "transformers", "accelerate", "peft", "datasets", "PyYAML"} <= set(_pins())


def test_no_package_is_named_twice() -> None:
    lines = [line for line in (WORKLOADS / "requirements.txt").read_text().splitlines() if PIN.match(line)]
    assert len(lines) == len({line.split("==")[0].lower().replace("_", "-") for line in lines})


def test_no_package_of_the_gpu_is_pinned() -> None:
    assert [name for name in _pins() if name.lower().startswith(("nvidia", "cuda", "triton"))] == []


@pytest.mark.torch
def test_the_packages_installed_are_the_ones_pinned(training_python: str) -> None:
    program = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    pins = _pins()
    answer = subprocess.run([training_python, "-c", program, *pins], capture_output=True, text=True, check=True)
    # A local part, as in 2.13.0+cpu, tells how a version was built.
    assert {name: version.split("+")[0] for name, version in json.loads(answer.stdout).items()} == pins


@pytest.mark.torch
def test_the_pinned_packages_are_enough_to_import_what_is_asked_for(training_python: str) -> None:
    program = "import torch, transformers, accelerate, peft, datasets, yaml, transformers.models.llama.modeling_llama"
    subprocess.run([training_python, "-c", program], check=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})


def test_the_rows_are_whole_short_and_different() -> None:
    rows = json.loads((WORKLOADS / "data/alpaca.json").read_text())
    assert len(rows) == 64
    assert all(set(row) == {"instruction", "input", "output"} for row in rows)
    assert all(row["instruction"] and row["output"] and len(row["output"]) < 200 for row in rows)
    assert len({(row["instruction"], row["input"]) for row in rows}) == len(rows)
