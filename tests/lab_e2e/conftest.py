"""A real lab of two nodes, in a run directory of its own, taken down when the tests are over."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.places import RunDir


@dataclass(frozen=True)
class Lab:
    """A lab, driven by its command line as a user drives it."""

    run: RunDir

    def command(self, *arguments: str, feed: str = "", fails: bool = False) -> subprocess.CompletedProcess[str]:
        """Run `python -m lab ARGUMENTS`, which must succeed unless `fails` says that it may not."""
        environment = {**os.environ, "SPARK_RUNBOOK_LAB": str(self.run.path)}
        done = subprocess.run(
            [sys.executable, "-m", "lab", *arguments],
            input=feed,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        if not fails:
            assert done.returncode == 0, done.stderr
        return done

    def sh(self, node: str, script: str) -> str:
        """What a shell script prints in a node, run as root past ssh."""
        return self.command("exec", node, "--", "sh", "-c", script).stdout.strip()

    def ssh(self, address: str, script: str) -> str:
        """What a shell script prints in a node, run as nvidia through ssh."""
        options = ["-F", "none", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={self.run.known_hosts}"]
        command = ["ssh", *options, "-i", str(self.run.key), f"nvidia@{address}", script]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def inventory(self) -> dict[str, Any]:
        """The inventory, parsed."""
        parsed: dict[str, Any] = yaml.safe_load(self.command("inventory").stdout)
        return parsed


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two booted nodes; skipped where none can be had."""
    if os.geteuid() != 0:
        pytest.skip("a lab needs root")
    made = Lab(RunDir(Path(tmp_path_factory.mktemp("run") / "lab")))
    made.command("up")
    yield made
    made.command("down")
