"""How a run grows with the cluster, on labs of light nodes: `python bench/growth.py --sizes 1 2 4 8 16 32`.

Light nodes run sshd alone, so docker's checks fail there; they are asked all the same, which is what is timed. They
share this machine's cores, so the wall time is theirs as well: what a cluster would take is nearer to the controller's
CPU time and one node's. With `--repairs` whole nodes are booted in their place, of which step 1 is repaired and taken
back. Needs root.
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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Turn:
    """One run: wall time, the CPU time of the controller and of all nodes in s, memory in MB, files in kB."""

    wall_s: float
    cpu_s: float
    nodes_cpu_s: float
    peak_mb: float
    connections: int
    commands: int
    verdicts: int
    page_kb: float


def one_turn(folder: Path, environment: dict[str, str]) -> Turn:
    """Run it once, a whole process."""
    command = [sys.executable, "-m", "pytest", "runbook", "--lab", f"--report-dir={folder}/reports"]
    began, busy = time.monotonic(), busy_s()
    process = subprocess.Popen(
        [*command, "-p", "bench.round_trips"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    wall_s, busy = time.monotonic() - began, busy_s() - busy
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit(f"exit {os.waitstatus_to_exitcode(status)}: run {' '.join(command)}")
    counted = json.loads((folder / "counted.json").read_text())
    latest = folder / "reports/latest"
    checks = json.loads((latest / "report.json").read_text())["checks"]
    page = (latest / "report.html").stat().st_size / 1e3
    own = used.ru_utime + used.ru_stime
    return Turn(wall_s, own, busy - own, used.ru_maxrss / 1024, *counted.values(), len(checks), page)


@dataclass(frozen=True)
class Repair:
    """Seconds that a repair of bare nodes takes, and its undo, and how many changes that are."""

    fix_s: float
    undo_s: float
    changes: int


def one_repair(folder: Path, environment: dict[str, str]) -> Repair:
    """Repair step 1, the network and the logins between nodes, and take it back, a whole process each."""
    command = [sys.executable, "-m", "pytest", "runbook", "--lab", f"--report-dir={folder}/reports"]
    began = time.monotonic()
    subprocess.run(
        [*command, "-k", "test_01", "--train=none", "--fix"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    fixed = time.monotonic()
    report = json.loads((folder / "reports/latest/report.json").read_text())
    changes = sum(change["applied"] for check in report["checks"] for change in check["changes"])
    began_undo = time.monotonic()
    back = [*command, "--undo", report["run"]["id"]]
    subprocess.run(back, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    return Repair(fixed - began, time.monotonic() - began_undo, changes)


def busy_s() -> float:
    """Return for how long this machine's cores have worked since it booted; the nodes live on it."""
    user, nice, system, _, _, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def lab(*words: str, environment: dict[str, str]) -> None:
    """Run `python -m lab`, and show what it says only where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"exit {done.returncode}: {done.stdout[-1500:]} {done.stderr[-1500:]}")


@contextmanager
def booted(size: int, *options: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Boot so many nodes and take them down; gives a folder to work in and the environment."""
    with tempfile.TemporaryDirectory(prefix="growth") as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "SPARK_RUNBOOK_LAB": str(folder / "lab"),
            "ROUND_TRIPS": str(folder / "counted.json"),
        }
        lab("up", "--nodes", str(size), *options, environment=environment)
        try:
            yield folder, environment
        finally:
            lab("down", environment=environment)


def print_turns(sizes: list[int], turns: int) -> None:
    """Print a row for each size, of read-only runs."""
    print("| nodes | wall s | controller's CPU s | CPU s a node | MB | logins, commands a node | verdicts | page kB |")
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        with booted(size, "--light") as (folder, environment):
            all_turns = [one_turn(folder, environment) for _ in range(turns)]
        last = all_turns[-1]
        wall, cpu, nodes, memory = (
            median(getattr(turn, name) for turn in all_turns) for name in ("wall_s", "cpu_s", "nodes_cpu_s", "peak_mb")
        )
        each = f"{last.connections / size:g}, {last.commands / size:g} | {last.verdicts} | {last.page_kb:.0f}"
        print(f"| {size} | {wall:.2f} | {cpu:.2f} | {nodes / size:.2f} | {memory:.0f} | {each} |", flush=True)


def print_repairs(sizes: list[int], turns: int) -> None:
    """Print a row for each size, of repairs and their undo."""
    print("| nodes | changes | --fix s | --undo s |\n|---|---|---|---|")
    for size in sizes:
        with booted(size) as (folder, environment):
            made = [one_repair(folder, environment) for _ in range(turns)]
        fix_s, undo_s = median(one.fix_s for one in made), median(one.undo_s for one in made)
        print(f"| {size} | {made[-1].changes} | {fix_s:.1f} | {undo_s:.1f} |", flush=True)


def main() -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--repairs", action="store_true")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    (print_repairs if arguments.repairs else print_turns)(arguments.sizes, arguments.turns)


if __name__ == "__main__":
    main()
