"""A runbook of a few checks about a folder of its own, run by a real pytest in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).parents[2]

CHECKS = '''
from engine.change import RunCommand
from engine.check import check, step

pytestmark = step(1, "Make files")
FOLDER = "{folder}"


def make(node):
    """Make it."""
    yield RunCommand(node, f"touch {{FOLDER}}/made", undo_command=f"rm -f {{FOLDER}}/made")


def state(node, name):
    return node.read(f"test -e {{FOLDER}}/{{name}} && echo there || echo missing").out.strip()


@check("files.first", fix=make)
def test_file_is_there(node):
    """The file is there."""
    assert state(node, "made") == "there", "nobody made it"


@check("files.second", needs=("files.first",))
def test_file_can_be_read(node):
    """The file can be read."""
    assert state(node, "made") == "there"
'''


@dataclass(frozen=True)
class Result:
    """What one run ended with."""

    exit: int
    out: str
    err: str
    report: dict[str, Any] | None

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of every check."""
        assert self.report is not None, self.out + self.err
        return {check["id"]: check["outcome"] for check in self.report["checks"]}


class Project:
    """The folder of a project with runbook/ and the engine, as this repository has it."""

    def __init__(self, folder: Path, checks: str = CHECKS) -> None:
        """Write it down; `{folder}` in `checks` is the folder that the checks are about."""
        self.folder = folder / "project"
        self.node = folder / "node"
        self.reports = self.folder / "out"
        self.node.mkdir()
        (self.folder / "runbook").mkdir(parents=True)
        (self.folder / "conftest.py").write_text('pytest_plugins = ["engine.plugin"]\n')
        (self.folder / "pytest.ini").write_text(
            "[pytest]\ntestpaths = runbook\naddopts = --import-mode=importlib\nenable_assertion_pass_hook = true\n"
        )
        self.write("test_01_files.py", checks)

    def write(self, name: str, checks: str) -> None:
        """Write a module of checks."""
        (self.folder / "runbook" / name).write_text(checks.format(folder=self.node))

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start a run."""
        # hypothesis has no part in a runbook, and its own assertions take seconds to rewrite.
        command = [sys.executable, "-m", "pytest", "-p", "no:hypothesispytest"]
        command += ["--report-dir", str(self.reports), *options]
        environment = os.environ | {"PYTHONPATH": str(REPO), "COLUMNS": "200"}
        pipe = subprocess.PIPE
        # In a session of its own there is no terminal, as in CI.
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def run(self, *options: str) -> Result:
        """Run it to its end."""
        return self.finish(self.start(*options))

    def finish(self, process: subprocess.Popen[str]) -> Result:
        """Wait for the end of a run."""
        out, err = process.communicate(timeout=60)
        path = self.reports / "latest" / "report.json"
        return Result(process.returncode, out, err, json.loads(path.read_text()) if path.exists() else None)

    def end_when(self, process: subprocess.Popen[str], there: Path, sign: signal.Signals) -> Result:
        """Send a signal as soon as a file is there."""
        self.wait_for(process, there)
        process.send_signal(sign)
        return self.finish(process)

    def wait_for(self, process: subprocess.Popen[str], there: Path) -> None:
        """Wait until a file is there, or the run at its end."""
        until = time.monotonic() + 20
        while not there.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
