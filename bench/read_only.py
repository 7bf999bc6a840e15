"""Time complete read-only runs on a ready lab, whole processes: `python bench/read_only.py --runs 10`.

The lab has to be up and ready (`pytest runbook --lab --fix --train none`). Beside the whole process it tells what the
run itself took, by its own report, and what starting Python and importing takes, by `--list`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]


def timed(*options: str) -> float:
    """Run `pytest runbook OPTIONS` and return its seconds.

    Raises:
        CalledProcessError: it did not end with READY.
    """
    began = time.monotonic()
    # As anybody's Python does: without compiled modules every start compiles all of them.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "pytest", "runbook", *options]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.monotonic() - began


def main() -> None:
    """Run so many times and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    whole, within, starting = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            starting.append(timed("--list"))
            whole.append(timed("--lab", f"--report-dir={folder}"))
            report = json.loads((Path(folder) / "latest/report.json").read_text())
            within.append(report["run"]["seconds"])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{runs} runs: {median(whole):.2f} s for the whole process, {min(whole):.2f} to {max(whole):.2f}")
    print(f"  {median(within):.2f} s from connecting to the report, {median(starting):.2f} s to start and import")
    print(f"  {peak:.0f} MB at most")


if __name__ == "__main__":
    main()
