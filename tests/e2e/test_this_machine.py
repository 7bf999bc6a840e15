"""Without an inventory this machine is the cluster; no lab, no ssh, no docker is needed."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.lab import ROOT


def run_here(reports: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *options, f"--report-dir={reports}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_one_subject_is_diagnosed_on_this_machine(reports: Path) -> None:
    done = run_here(reports, "-k", "gpu")
    assert done.returncode in (0, 1, 6)
    assert "nvidia-smi works" in done.stdout
    assert "Step 1 " not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert (reports / "latest" / "report.html").exists()


def test_steps_run_in_the_playbooks_order_however_they_are_named(reports: Path) -> None:
    done = run_here(reports, "runbook/test_03_toolkit.py", "runbook/test_02_docker.py")
    assert done.stdout.index("Step 2") < done.stdout.index("Step 3")
