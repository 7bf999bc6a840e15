"""Starts the fine-tune as the nodes would: one `accelerate launch` a rank, each with its own rendered configuration."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workloads.accelerate_config import launch_command, render_accelerate

WORKLOADS = Path(__file__).parents[2] / "workloads"
RUN_LIMIT_S = 240
JOIN_LIMIT_S = 20


def free_port() -> int:
    """Return a TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Job:
    """A run of the tiny recipe, changed as a test likes; every rank computes on the CPU, over loopback."""

    python: str
    folder: Path
    world: int = 2
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)

    def recipe(self, changes: Mapping[str, object] | None = None, name: str = "recipe.yaml") -> Path:
        """Write the tiny recipe with some fields changed."""
        fields = yaml.safe_load((WORKLOADS / "recipes/tiny.yaml").read_text())
        path = self.folder / name
        path.write_text(yaml.safe_dump(fields | dict(changes or {})))
        return path

    def start(self, rank: int, recipe: Path, workspace: Path = WORKLOADS) -> subprocess.Popen[str]:
        """Start one rank through accelerate's launcher; its data are looked for in its workspace."""
        config = self.folder / f"accelerate-{rank}.yaml"
        config.write_text(render_accelerate(rank, self.world, "127.0.0.1", self.port, "cpu"))
        command = launch_command(str(config), JOIN_LIMIT_S, self.program(recipe, rank))
        return self._popen([self.python, *command[1:]], rank, workspace)

    def start_alone(self, recipe: Path) -> subprocess.Popen[str]:
        """Start the program without a launcher, as a world of one or what takes itself for one."""
        return self._popen([self.python, "-m", *self.program(recipe, 0)], 0, WORKLOADS)

    def program(self, recipe: Path, rank: int) -> list[str]:
        """Return the module and its arguments; each rank has its own output folder, as each node has."""
        told = {"--recipe": recipe, "--output": self.folder / f"out{rank}", "--world-size": self.world}
        return ["finetune", *(str(part) for pair in told.items() for part in pair), "--device", "cpu"]

    def events(self, rank: int, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the events that a rank has told so far, on its stdout."""
        lines = (self.folder / f"stdout{rank}").read_text().splitlines()
        told = [json.loads(line) for line in lines if line.startswith('{"event"') and line.endswith("}")]
        return [event for event in told if kind in {None, event["event"]}]

    def stderr(self, rank: int) -> str:
        """Return what a rank and its launcher said on stderr."""
        return (self.folder / f"stderr{rank}").read_text()

    def wait_for_step(self, rank: int, step: int) -> None:
        """Wait until a rank has told a step."""
        deadline = time.monotonic() + RUN_LIMIT_S
        while not any(event["step"] >= step for event in self.events(rank, "step")):
            assert time.monotonic() < deadline, f"no step {step}: {self.events(rank)} {self.stderr(rank)}"
            time.sleep(0.05)

    def worker(self, rank: int) -> int:
        """Return the process id of a rank's program, which is its launcher's child."""
        output = f"{self.folder}/out{rank}"
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            arguments = _read(path).split("\0")
            if output in arguments and "accelerate.commands.launch" not in arguments:
                return int(path.parent.name)
        raise AssertionError(f"rank {rank} is not running: {self.stderr(rank)}")

    def _popen(self, command: list[str], rank: int, workspace: Path) -> subprocess.Popen[str]:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(WORKLOADS), os.environ.get("PYTHONPATH")])),
            "HF_HUB_OFFLINE": "1",
            "GLOO_SOCKET_IFNAME": "lo",
            "OMP_NUM_THREADS": "1",
        }
        environment |= self.environment
        with (self.folder / f"stdout{rank}").open("w") as out, (self.folder / f"stderr{rank}").open("w") as err:
            return subprocess.Popen(
                command, cwd=workspace, env=environment, stdout=out, stderr=err, text=True, start_new_session=True
            )


def finish(*processes: subprocess.Popen[str]) -> list[int]:
    """Wait for processes that a test started, and return their exit statuses; none outlives the limit."""
    deadline = time.monotonic() + RUN_LIMIT_S
    try:
        return [process.wait(deadline - time.monotonic()) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it ended while we looked
        return ""
