"""The lab and the runbook as a person uses them: as commands."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COMMAND_S = 300
RUN_S = 420

# What --fix may touch and --undo has to put back; what gpasswd, sudo and the training leave behind stays out.
_TREES = "/etc /home /root /var/lib/spark-runbook /usr/local"
_STATE = f"""
find {_TREES} -xdev \\( -name 'group-' -o -name 'gshadow-' -o -name .sudo_as_admin_successful \\
  -o -path '*/spark-runbook/runs' \\) -prune -o \
  -type f -printf '%m %u %g ' -exec sha256sum {{}} \\; 2>/dev/null | sort -k5
find {_TREES} -xdev -path '*/spark-runbook*' -prune -o -type d -printf '%m %u %g %p\\n' 2>/dev/null | sort -k4
getent group docker
docker info --format '{{{{.Swarm.LocalNodeState}}}} {{{{.DefaultRuntime}}}} {{{{json .GenericResources}}}}'
ip -o -4 addr show | awk '{{print $2, $4}}' | grep -v docker
"""


@dataclass(frozen=True)
class Result:
    """One run of the runbook: exit status, what it wrote on the screen, and its report."""

    exit: int
    screen: str
    report: dict[str, Any]

    def outcomes(self, check: str) -> set[str]:
        """The outcomes of a check on all nodes."""
        return {one["outcome"] for one in self.report["checks"] if one["id"] == check}

    def with_outcome(self, *outcomes: str) -> list[str]:
        """The checks that ended so."""
        return [f"{one['id']} {one['node']}" for one in self.report["checks"] if one["outcome"] in outcomes]

    @property
    def changes(self) -> list[str]:
        """All changes told, as they are described."""
        return [change["describe"] for one in self.report["checks"] for change in one["changes"]]


class Lab:
    """A lab in a folder of its own."""

    def __init__(self, folder: Path, reports: Path) -> None:
        """Use this folder; the built trees are shared."""
        self.reports = reports
        self.mark = 0.0
        """When the last run was started, in seconds since the epoch."""
        self.environment = {**os.environ, "SPARK_RUNBOOK_LAB": str(folder / "lab"), "NO_COLOR": "1"}

    def do(self, *words: str, check: bool = True) -> str:
        """Run `python -m lab WORDS` and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "lab", *words],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=COMMAND_S, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"lab {' '.join(words)}: {done.stderr}{done.stdout}"
        return done.stdout

    def on(self, node: str, command: str, *, check: bool = True) -> str:
        """Run a shell command as root in a node, past ssh."""
        return self.do("exec", node, "--", "sh", "-c", command, check=check)

    def start(
        self,
        *options: str,
        cluster: str = "--lab",
        environment: Mapping[str, str] | None = None,
        terminal: bool = False,
    ) -> subprocess.Popen[str]:
        """Start `pytest runbook --lab OPTIONS` without waiting for it, on a terminal of its own where that is asked."""
        self.mark = time.time()
        command = [sys.executable, "-m", "pytest", "runbook", cluster, f"--report-dir={self.reports}", *options]
        return subprocess.Popen(
            ["script", "-qec", shlex.join(command), "/dev/null"] if terminal else command,
            cwd=ROOT, env={**self.environment, **(environment or {})},
            stdin=subprocess.PIPE if terminal else None, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def runbook(self, *options: str) -> Result:
        """Run `pytest runbook --lab OPTIONS` to its end."""
        return self.finish(self.start(*options))

    def runbook_of(self, cluster: str, *options: str) -> Result:
        """Run it on what another option than --lab says."""
        return self.finish(self.start(*options, cluster=cluster))

    def finish(self, process: subprocess.Popen[str]) -> Result:
        """Wait for a started run."""
        try:
            screen, _ = process.communicate(timeout=RUN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        path = self.reports / "latest" / "report.json"
        report = json.loads(path.read_text()) if path.exists() else {}
        for line in screen.splitlines():
            if "We connected once more" in line:
                # It is no failure, and it is not meant to happen: whoever sees it needs the node's own account.
                told = re.search(r"spark-\d+", line)
                said = self.on(told[0], "journalctl -b -t sshd -t sshd-session -n 20", check=False) if told else ""
                warnings.warn(f"{line}\n{said}", stacklevel=2)
        return Result(process.returncode, screen, report)

    def runs_with_changes(self) -> list[str]:
        """The ids of all runs that began to change something, oldest first."""
        journals = [path for path in self.reports.glob("*/journal.jsonl") if not path.parent.is_symlink()]
        return [path.parent.name for path in sorted(journals, key=lambda path: path.stat().st_ctime_ns)]

    def state(self, node: str) -> str:
        """Everything on a node that a run may touch: files with mode, owner and checksum, groups, swarm, addresses."""
        return self.on(node, _STATE)

    def states(self) -> set[str]:
        """The state of both nodes, line by line."""
        return {f"{node}: {line}" for node in ("spark-1", "spark-2") for line in self.state(node).splitlines()}


def told(run: Result) -> str:
    """What a run found wrong, in its own words: what a failing test has to show of it."""
    if not run.report:
        return run.screen[-3000:]
    wrong = [
        one for one in run.report["checks"] if one["outcome"] not in ("passed", "skipped", "fixed") or one["warning"]
    ]
    return "\n".join(
        [
            f"exit {run.exit}, next: {run.report['next']}",
            *(f"cause: {one['id']} {one['nodes']} {one['outcome']}: {one['cause']}" for one in run.report["diagnosis"]),
            *(f"{one['id']} {one['node']} {one['outcome']}: {one['cause']} {one['warning'] or ''}" for one in wrong),
            *(f"change: {change}" for change in run.changes),
            run.screen[-1500:],
        ]
    )


def has_nothing_to_do(lab: Lab) -> Result:
    """Run `--fix`, which finds all in order and changes nothing."""
    again = lab.runbook("--fix", "--train", "none")
    assert again.exit == 0, told(again)
    assert again.changes == []
    return again


def gives_back(lab: Lab, run: Result, before: set[str]) -> None:
    """Take a run back; the nodes are what they were before."""
    undone = lab.runbook("--undo", run.report["run"]["id"])
    assert undone.exit == 0, told(undone)
    assert lab.states() ^ before == set()
