"""A fine-tune that was interrupted is carried on by the same command, and ends as if nothing had happened."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.addresses import CABLED
from tests.e2e.lab import ROOT, Lab, Result, told

pytestmark = pytest.mark.lab

RECIPES = ROOT / "workloads/recipes"
OWN = Path(tempfile.gettempdir()) / f"spark-runbook-{os.getpid()}-interrupted.yaml"
TRAIN = ("--train", "full", "--recipe", str(OWN))
CHANGED = {"max_steps": 150, "checkpoint_every": 10, "timeouts": {"join_s": 60, "load_s": 60, "step_s": 15}}
CHECKPOINTS = "/home/nvidia/spark-runbook/runs/*/checkpoints/step-*-rank1.json"
PATIENCE_S = 120


@pytest.fixture(scope="module")
def trained(readied: Lab) -> Iterator[Lab]:
    """A lab whose nodes have a recipe of ours as well, saved as `trained`."""
    OWN.write_text(yaml.safe_dump(yaml.safe_load((RECIPES / "tiny.yaml").read_text()) | CHANGED))
    try:
        readied.do("restore", "ready")
        copied = readied.runbook("--fix", "--train", "none", "--recipe", str(OWN))
        assert copied.exit == 0, told(copied)
        readied.do("save", "trained")
        yield readied
    finally:
        OWN.unlink()


@pytest.fixture(scope="module")
def uninterrupted(trained: Lab) -> dict[str, Any]:
    """The training of a run that nothing came in the way of."""
    run = trained.runbook(*TRAIN)
    assert run.exit == 0, told(run)
    training: dict[str, Any] = run.report["training"]
    return training


def begun(lab: Lab) -> subprocess.Popen[str]:
    """Start to train, and return when both ranks have a checkpoint."""
    process = lab.start(*TRAIN)
    until = time.monotonic() + PATIENCE_S
    while not lab.on("spark-2", f"ls {CHECKPOINTS} 2>/dev/null", check=False):
        assert process.poll() is None, told(lab.finish(process))
        assert time.monotonic() < until, "there is no checkpoint"
        time.sleep(0.1)
    return process


def kill_a_rank(lab: Lab, _: subprocess.Popen[str]) -> None:
    lab.on("spark-2", "pkill -KILL -f '[m] finetune'")


def press_ctrl_c(_: Lab, process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def turn_a_node_off(lab: Lab, _: subprocess.Popen[str]) -> None:
    lab.do("power", "spark-2", "off")


def pull_the_cables(lab: Lab, _: subprocess.Popen[str]) -> None:
    for interface in CABLED:
        lab.do("cut", "spark-2", interface)


def put_right(lab: Lab) -> None:
    lab.do("power", "spark-2", "on")
    for interface in CABLED:
        lab.do("heal", "spark-2", interface)


@pytest.mark.parametrize(
    ("interrupt", "blamed"),
    [
        (kill_a_rank, "rank 1 on spark-2"),
        (press_ctrl_c, ""),
        pytest.param(turn_a_node_off, "spark-2", marks=pytest.mark.long),
        pytest.param(pull_the_cables, "rank", marks=pytest.mark.long),
    ],
)
def test_the_same_command_carries_on_and_ends_as_if_nothing_had_happened(
    trained: Lab,
    uninterrupted: dict[str, Any],
    interrupt: Callable[[Lab, subprocess.Popen[str]], None],
    blamed: str,
) -> None:
    trained.do("restore", "trained")
    process = begun(trained)
    interrupt(trained, process)
    stopped = trained.finish(process)
    assert stopped.exit in (1, 2, 6), told(stopped)
    assert "Traceback" not in stopped.screen
    assert blamed in failure(stopped), told(stopped)
    put_right(trained)
    carried_on = trained.runbook(*TRAIN)
    assert carried_on.exit == 0, told(carried_on)
    training = carried_on.report["training"]
    assert training["steps"][0]["step"] > 1, "it began from the beginning"
    assert training["steps"][-1]["loss"] == uninterrupted["steps"][-1]["loss"]
    weights = {rank["weights_sha256"] for rank in training["ranks"]}
    assert weights == {rank["weights_sha256"] for rank in uninterrupted["ranks"]}


def failure(run: Result) -> str:
    """What the run says of the training that did not end."""
    return " ".join(
        str(one["cause"]) for one in run.report["checks"] if one["id"] in ("full.finished", "ssh.reachable")
    )
