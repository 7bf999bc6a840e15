"""Runs the load program on all nodes at once: in the training container, else with a Python there that has torch."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from cluster.cluster import Cluster
from cluster.docker_api import docker_of
from cluster.errors import ClusterError, CommandFailed
from cluster.facts.base import ParseError
from cluster.facts.smi import Gpu, parse_log
from cluster.node import Node

PROGRAM = (Path(__file__).parent / "program.py").read_text(encoding="utf-8")
SECONDS = 4.0
DEADLINE_S = 180.0
"""Starting torch takes half a minute on a cold disk; the load itself takes ten seconds."""

RAN = "ran"
_NO_TORCH = 3


class NoPlace(ClusterError):
    """There is nothing on a node that the program could run in."""


class _Told(BaseModel):
    """One GPU as the program tells it."""

    name: str
    uuid: str | None
    tflops: float
    copy_gb_s: float
    error: float
    repeats_itself: bool


class _Answer(BaseModel):
    gpus: tuple[_Told, ...] = ()
    smi: str | None = None
    failure: str | None = None
    lacking: str | None = None


@dataclass(frozen=True)
class Loaded:
    """One GPU at work; `error` is how far a product is off as a share, `sample` what nvidia-smi said meanwhile."""

    index: int
    name: str
    tflops: float
    copy_gb_s: float
    error: float
    repeats_itself: bool
    sample: Gpu | None


@dataclass(frozen=True)
class LoadRun:
    """What came of the load on one node: `outcome` is RAN or what CUDA said."""

    outcome: str
    gpus: tuple[Loaded, ...] = ()


def understand(node_name: str, out: str) -> LoadRun:
    """Read the program's last line.

    Raises:
        NoPlace: Its torch cannot use a GPU.
        CommandFailed: It said something else.
    """
    last = (out.strip().splitlines() or [""])[-1]
    try:
        answer = TypeAdapter(_Answer).validate_json(last)
        samples = parse_log("", answer.smi) if answer.smi else ()
    except (ValidationError, ParseError):
        raise CommandFailed(f"the load program on {node_name} broke off; its last words: {last[:200]!r}") from None
    if answer.lacking:
        raise NoPlace(f"{node_name} has no use of its GPU: {answer.lacking}")
    if answer.failure or not answer.gpus:
        return LoadRun(answer.failure or "torch sees no GPU")
    return LoadRun(RAN, tuple(_loaded(index, told, samples) for index, told in enumerate(answer.gpus)))


def _loaded(index: int, told: _Told, samples: tuple[Gpu, ...]) -> Loaded:
    by_uuid = {sample.uuid: sample for sample in samples}
    sample = by_uuid.get(told.uuid or "", samples[0] if len(samples) == 1 else None)
    figures: dict[str, Any] = told.model_dump(exclude={"uuid"})
    return Loaded(index=index, sample=sample, **figures)


class GpuLoad:
    """The load of one run: started on all nodes at once by the first check that asks, and told to all others."""

    def __init__(self, cluster: Cluster) -> None:
        """Nothing is started yet."""
        self._cluster = cluster
        self._runs: dict[str, LoadRun | ClusterError] | None = None

    def of(self, node: Node) -> LoadRun:
        """Return what came of it on a node.

        Raises:
            NoPlace: There is nothing on it to run the program in.
            ClusterError: It could not be run, or broke off.
        """
        if self._runs is None:
            self._cluster.stop_reading_ahead()
            self._cluster.tell(f"putting every GPU under load for {SECONDS:g} s")
            nodes = self._cluster.reached
            self._runs = dict(zip((one.name for one in nodes), self._cluster.on_all(_attempt, nodes), strict=True))
        run = self._runs[node.name]
        if isinstance(run, ClusterError):
            raise run
        return run

    def known(self, node: Node) -> tuple[Loaded, ...]:
        """Return the GPUs of a node on which the load has run, if it has."""
        run = (self._runs or {}).get(node.name)
        return run.gpus if isinstance(run, LoadRun) else ()


def _attempt(node: Node) -> LoadRun | ClusterError:
    try:
        return run_load(node)
    except ClusterError as error:
        return error


def run_load(node: Node, device: str = "cuda") -> LoadRun:
    """Run the program on a node to its end.

    Raises:
        NoPlace: There is nothing on it to run the program in.
        ClusterError: It could not be run, or broke off.
    """
    container = _container(node)
    run = partial(_in_container, container) if container else _on_the_node
    return understand(node.name, run(node, device))


def _container(node: Node) -> str | None:
    try:
        return next((one.id for one in node.container.ours), None)
    except ClusterError:  # a machine without docker has none
        return None


def _in_container(container: str, node: Node, device: str) -> str:
    with docker_of(node, timeout_s=DEADLINE_S) as client:
        command = ["python3", "-c", PROGRAM, str(SECONDS), device]
        streams: Any = client.containers.get(container).exec_run(command, demux=True).output
        out, err = streams
        return str(out or err or b"", "utf-8", "replace")


def _on_the_node(node: Node, device: str) -> str:
    own = [sys.executable] if node.cluster.inventory.local else []
    has_torch = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
    tries = [
        f"{quote(python)} -c {quote(has_torch)} 2>/dev/null && exec {quote(python)} - {SECONDS} {device}"
        for python in (*own, "python3")
    ]
    command = "; ".join([*tries, f"exit {_NO_TORCH}"])
    # Not through the guard of read-only commands, which knows nothing of programs: it computes, and changes nothing.
    said = node.connection.run(command, stdin=PROGRAM.encode(), deadline_s=DEADLINE_S, on_line=None)
    if said.exit == _NO_TORCH:
        raise NoPlace(f"{node.name} has neither a training container (`pytest runbook --fix` starts it) nor torch")
    if said.exit is None:
        raise CommandFailed(f"the load program on {node.name} did not end within {DEADLINE_S:g} s")
    return said.out or said.err
