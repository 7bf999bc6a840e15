"""The load program: what it prints is understood, and it finds its way to a Python that has torch."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import ClusterError, CommandFailed
from tests.cluster.nodes import this_cluster
from tests.gpu_answers import H100
from workloads.gpu_load.launch import PROGRAM, RAN, NoPlace, run_load, understand
from workloads.gpu_load.references import REFERENCES

SAID = (H100 / "gpu-load.json").read_text(encoding="utf-8")


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first when a program is looked for."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def write_python(folder: Path, *, torch: bool, printed: Path) -> None:
    """Put a python3 there that prints a file for the program it is given."""
    script = f'#!/bin/sh\nif [ "$1" = -c ]; then exit {0 if torch else 1}; fi\ncat >{folder}/got\ncat {printed}\n'
    (folder / "python3").write_text(script)
    (folder / "python3").chmod(0o755)


def test_what_an_h100_printed() -> None:
    run = understand("spark-1", "a warning\n" + SAID)
    (gpu,) = run.gpus
    assert (run.outcome, gpu.name, round(gpu.tflops), gpu.repeats_itself) == (RAN, "NVIDIA H100 80GB HBM3", 669, True)
    assert gpu.sample is not None
    assert gpu.sample.clock_mhz == 1575.0


def test_a_torch_without_cuda_is_no_place_for_it() -> None:
    with pytest.raises(NoPlace, match="spark-1 has no use of its GPU: its torch is built without CUDA"):
        understand("spark-1", json.dumps({"lacking": "its torch is built without CUDA"}))


@given(st.text(max_size=60) | st.builds(lambda at: SAID[:at], st.integers(0, len(SAID))))
def test_whatever_it_prints_is_understood_or_told_as_not_in_one_line(out: str) -> None:
    assert "\n" not in _outcome(out)


def _outcome(out: str) -> str:
    try:
        return understand("spark-1", out).outcome
    except ClusterError as error:
        return str(error)


def test_on_a_machine_without_docker_it_runs_in_a_python_that_has_torch(bin_folder: Path) -> None:
    (bin_folder / "docker").write_text("#!/bin/sh\nexit 127\n")
    (bin_folder / "docker").chmod(0o755)
    write_python(bin_folder, torch=True, printed=H100 / "gpu-load.json")
    assert run_load(this_cluster().manager).outcome == RAN
    assert (bin_folder / "got").read_text() == PROGRAM


def test_a_machine_without_torch_is_no_place_for_it(bin_folder: Path) -> None:
    write_python(bin_folder, torch=False, printed=H100 / "gpu-load.json")
    with pytest.raises(NoPlace, match="has neither a training container"):
        run_load(this_cluster().manager)


def test_a_program_that_says_nothing_is_told(bin_folder: Path) -> None:
    write_python(bin_folder, torch=True, printed=Path(os.devnull))
    with pytest.raises(CommandFailed, match="broke off; its last words: ''"):
        run_load(this_cluster().manager)


def test_references_are_within_what_such_gpus_can_do() -> None:
    assert {
        name for name, one in REFERENCES.items() if not 50 < one.tflops < 2000 or not 200 < one.copy_gb_s < 8000
    } == set()


@pytest.mark.torch
def test_it_computes_right_and_the_same_twice_on_a_cpu(training_python: str) -> None:
    done = subprocess.run(
        [training_python, "-c", PROGRAM, "0.2", "cpu"], capture_output=True, text=True, timeout=240, check=True
    )
    (cpu,) = understand("here", done.stdout).gpus
    assert cpu.error < 0.02
    assert cpu.repeats_itself
    assert cpu.tflops > 0
    assert cpu.copy_gb_s > 0
