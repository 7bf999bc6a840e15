"""Folders of many runs, as a cluster leaves them over weeks."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.reports.pieces import Json, a_check, a_report, a_threshold


def a_run(out: Path, number: int, **differs: object) -> Path:
    """Write the report of a run, a day after the one with the number before; keywords are what differs in `run`."""
    name = f"202611{number:02}-060000-check"
    return write(out, name, a_report([bandwidth(95.0)]), number, **differs)


def write(out: Path, name: str, report: Json, number: int = 1, **differs: object) -> Path:
    """Write a report as that of a run of this name."""
    report["run"] |= {"id": name, "mode": "check", "started": f"2026-11-{number:02}T06:00:00+00:00"} | differs
    folder = out / name
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def bandwidth(value: float, outcome: str = "passed") -> Json:
    """A check of the fabric's bandwidth that found so much, in Gb/s."""
    limit = a_threshold("tcp_gbps", 80.0, "at least", "Gb/s an interface", value - 80.0)
    return a_check("network.tcp", 1, None, outcome, title="TCP is fast", threshold=limit)


def measured(out: Path, values: Sequence[float]) -> Path:
    """Write a run for each value of the bandwidth, a day apart, and return their folder."""
    for number, value in enumerate(values, 1):
        write(out, f"202611{number:02}-060000-check", a_report([bandwidth(value)]), number)
    return out
