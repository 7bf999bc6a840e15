"""The command line of a run, and what it means."""

import argparse
import getpass
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from cluster.errors import CommandFailed, InventoryError
from cluster.inventory import Inventory, this_machine
from cluster.inventory_file import parse_inventory, read_inventory
from cluster.limit import choose
from cluster.paths import exists, is_directory, is_file
from cluster.printable import printable
from engine.change import Flag

DEFAULT_INVENTORY = Path("cluster.yaml")
DEFAULT_REPORTS = Path("reports/out")


def _word(given: str) -> str:
    if not given:
        raise argparse.ArgumentTypeError("nothing is given; name it, or leave the option out")
    return given


def _path(given: str) -> Path:
    return Path(_word(given))


def add_options(parser: pytest.Parser) -> None:
    """Declare the options of the contract."""
    group = parser.getgroup("runbook", "Spark Runbook")
    group.addoption(
        "--inventory", type=_path, metavar="FILE", help="the cluster (default: cluster.yaml, else this machine)"
    )
    group.addoption(
        "--limit",
        type=_word,
        metavar="NODES",
        help="look at these alone: names, patterns, ranges, groups, !left-out",
    )
    group.addoption(
        "--min-ready",
        type=int,
        metavar="N",
        help="call the cluster ready when N of its nodes are",
    )
    group.addoption(
        "--lab", action="store_true", help="use the virtual cluster of `python -m lab`; to start it takes root"
    )
    group.addoption("--plan", action="store_true", help="tell exactly what --fix would change, and change nothing")
    group.addoption("--fix", action="store_true", help="repair what is wrong, then check again")
    group.addoption("--undo", type=_word, metavar="RUN", help="take the changes of a run back, last first")
    group.addoption(
        "--allow",
        action="append",
        type=_word,
        default=[],
        metavar="NAME",
        help=f"allow what --fix or --undo would else ask about: {', '.join(get_args(Flag))} (repeatable)",
    )
    group.addoption("--recipe", type=_word, metavar="NAME|FILE", help="the recipe of the full fine-tune")
    group.addoption(
        "--train",
        choices=("none", "smoke", "full"),
        help="how much step 10 runs (default: none; with --fix smoke, with a recipe full)",
    )
    group.addoption(
        "--load",
        action="store_true",
        help="put GPUs and fabric under load for some seconds, and measure them, as a --fix that trains does",
    )
    group.addoption("--cleanup", action="store_true", help="run step 14 alone; with --fix it removes the stack")
    group.addoption("--bundle", action="store_true", help="write an archive to send to somebody who was not there")
    group.addoption("--list", action="store_true", help="print the steps and checks with what --fix may do, and end")
    group.addoption("--metrics", type=_path, metavar="FILE", help="write a Prometheus textfile as well")
    group.addoption("--report-dir", type=_path, metavar="DIR", help=f"where reports go (default: {DEFAULT_REPORTS})")
    group.addoption("--ask-become-pass", action="store_true", help="ask once for the sudo password of all nodes")


_NOT_FOR_STEPS = {
    "failedfirst": "steps build on each other, so --ff cannot reorder them",
    "newfirst": "steps build on each other, so --nf cannot reorder them",
    "setupplan": "--setup-plan judges nothing",
    "setuponly": "--setup-only judges nothing",
}
"""Options of pytest's own that make no sense for a runbook, and why."""


@dataclass(frozen=True)
class Options:
    """One run's options, checked."""

    mode: str
    undo: str | None
    allowed: frozenset[str]
    train: str
    load: bool
    cleanup: bool
    bundle: bool
    metrics: Path | None
    report_dir: Path
    ask_become_pass: bool
    limit: frozenset[str] | None
    """The only nodes to look at; None for all."""
    min_ready: int | None
    """How many nodes are enough; None for all."""
    of_cluster: tuple[str, ...]
    """The options that say which cluster, and where reports go."""
    of_steps: tuple[str, ...]
    """The options that say which steps, and with which recipe."""
    typed: str
    """The command as it was typed."""

    def command(self, *options: str) -> str:
        """Return the command that runs the runbook on this very cluster, for a person to copy."""
        return " ".join(["pytest runbook", *self.of_cluster, *options])

    def same_command(self, *options: str) -> str:
        """Return the command that does so about the same steps, with the same recipe and what was allowed."""
        return self.command(*self.of_steps, *options, *(f"--allow {flag}" for flag in sorted(self.allowed)))


def read_options(config: pytest.Config, inventory: Inventory) -> Options:
    """Check the options against each other.

    Raises:
        pytest.UsageError: Two of them contradict each other.
    """
    chosen = [name for name in ("plan", "fix", "undo") if config.getoption(name)]
    if len(chosen) > 1:
        raise pytest.UsageError(f"--{chosen[0]} and --{chosen[1]} contradict each other: choose one.")
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError(
            "steps build on each other, so xdist (-n) cannot run them: leave it out; nodes are asked in parallel."
        )
    for name, what in _NOT_FOR_STEPS.items():
        if config.getoption(name, default=None):
            raise pytest.UsageError(f"{what}: leave it out.")
    mode = chosen[0] if chosen else "check"
    if unknown := sorted(set(config.getoption("allow")) - set(get_args(Flag))):
        raise pytest.UsageError(f"--allow {unknown[0]}: there is no such name; there are {', '.join(get_args(Flag))}.")
    if config.getoption("train") == "full" and inventory.recipe is None:
        raise pytest.UsageError("--train full: name the recipe with --recipe, or `recipe` in the inventory.")
    when_fixing = "full" if config.getoption("recipe") else "smoke"
    train = config.getoption("train") or (when_fixing if mode == "fix" else "none")
    limit = _limit(config, inventory, mode)
    return Options(
        mode=mode,
        undo=config.getoption("undo"),
        allowed=frozenset(config.getoption("allow")),
        train=train,
        # A repair that trains uses the machines anyway; one that was told not to train shall leave them in peace.
        load=config.getoption("load") or (mode == "fix" and train != "none"),
        cleanup=config.getoption("cleanup"),
        bundle=config.getoption("bundle"),
        metrics=_metrics(config),
        report_dir=(config.getoption("report_dir") or config.rootpath / DEFAULT_REPORTS).absolute(),
        ask_become_pass=config.getoption("ask_become_pass"),
        limit=limit,
        min_ready=_min_ready(config, mode, len(inventory.nodes if limit is None else limit)),
        of_cluster=tuple(_of_cluster(config)),
        of_steps=tuple(_of_steps(config)),
        typed=shlex.join(["pytest", *config.invocation_params.args]),
    )


def _limit(config: pytest.Config, inventory: Inventory, mode: str) -> frozenset[str] | None:
    asked: str | None = config.getoption("limit")
    if asked is None:
        return None
    used = [name for name in ("cleanup", "train", "recipe", "load") if config.getoption(name)]
    if mode != "check" or used:
        raise pytest.UsageError(
            f"--limit only looks: leave it out with --{mode if mode != 'check' else used[0]}, for which the nodes have "
            "to be one cluster."
        )
    try:
        return choose(asked, inventory.nodes)
    except InventoryError as error:
        raise pytest.UsageError(str(error)) from None


def _min_ready(config: pytest.Config, mode: str, nodes: int) -> int | None:
    asked: int | None = config.getoption("min_ready")
    if asked is None:
        return None
    if mode != "check":
        raise pytest.UsageError(f"--min-ready only judges: leave it out with --{mode}, which is for all nodes.")
    if not 1 <= asked <= nodes:
        raise pytest.UsageError(f"--min-ready {asked}: give a number from 1 to {nodes}, the nodes that are looked at.")
    return asked


def _metrics(config: pytest.Config) -> Path | None:
    asked: Path | None = config.getoption("metrics")
    if asked is None:
        return None
    # A device or a pipe would be replaced by the file; a link shall lead to it as before.
    file = Path(os.path.realpath(asked))
    if exists(file) != is_file(file) or not is_directory(file.parent):
        raise pytest.UsageError(f"--metrics {asked}: name a file in a directory that is there.")
    return file


def _of_steps(config: pytest.Config) -> Iterator[str]:
    """The options that say what is to be done there, for the same commands."""
    if config.getoption("cleanup"):
        yield "--cleanup"
    for name in ("train", "recipe"):
        if given := config.getoption(name):
            yield f"--{name}={shlex.quote(given)}"


def _of_cluster(config: pytest.Config) -> Iterator[str]:
    """The options that say which cluster and which reports, for commands that we tell a person to run."""
    if config.getoption("lab"):
        yield "--lab"
    if inventory := config.getoption("inventory"):
        yield f"--inventory={shlex.quote(str(inventory))}"
    if reports := config.getoption("report_dir"):
        yield f"--report-dir={shlex.quote(str(reports))}"


def choose_inventory(config: pytest.Config) -> tuple[Inventory, str]:
    """Find the inventory, with the recipe that the command line names in it, and the name under which it is told.

    Raises:
        pytest.UsageError: It cannot be used; the message is one sentence.
    """
    inventory, name = _found_inventory(config)
    recipe: str | None = config.getoption("recipe")
    return (inventory.model_copy(update={"recipe": recipe}) if recipe else inventory), name


def _found_inventory(config: pytest.Config) -> tuple[Inventory, str]:
    path: Path | None = config.getoption("inventory")
    try:
        if config.getoption("lab"):
            if path is not None:
                raise pytest.UsageError("--lab and --inventory contradict each other: choose one.")
            return parse_inventory(_lab_inventory(config), "the lab's inventory"), "lab"
        if path is not None:
            return read_inventory(path), str(path)
        if exists(config.rootpath / DEFAULT_INVENTORY):
            return read_inventory(config.rootpath / DEFAULT_INVENTORY), str(DEFAULT_INVENTORY)
    except InventoryError as error:
        raise pytest.UsageError(printable(str(error))) from None
    return this_machine(), "this machine"


def _lab_inventory(config: pytest.Config) -> str:
    root = config.rootpath
    asked = _ask_lab(root)
    if asked.returncode != 0:
        if config.option.collectonly:
            raise pytest.UsageError("no lab is running, and --collect-only starts none: `python -m lab up` does.")
        print("No lab is running: starting one with `python -m lab up`.", flush=True)
        up = subprocess.run([sys.executable, "-m", "lab", "up"], cwd=root, check=False)
        asked = _ask_lab(root) if up.returncode == 0 else asked
    if asked.returncode != 0:
        said = (asked.stderr.strip() or "it gave no reason").splitlines()[-1]
        raise pytest.UsageError(f"the lab cannot be started: {said}")
    return asked.stdout


def _ask_lab(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab", "inventory"]
    return subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)


def ask_password() -> str:
    """Ask for the sudo password of all nodes.

    Raises:
        CommandFailed: There is no terminal to ask on.
    """
    try:
        Path("/dev/tty").open("rb").close()
    except OSError:
        raise CommandFailed(
            "--ask-become-pass asks on a terminal, and there is none here: let the user use sudo without a password."
        ) from None
    return getpass.getpass("sudo password of the nodes: ")
