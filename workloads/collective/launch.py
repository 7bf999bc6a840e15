"""Runs the collective program as one rank in every node's training container, all at once."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from cluster.cluster import Cluster
from cluster.docker_api import docker_of
from cluster.errors import ClusterError, CommandFailed
from cluster.node import Node
from workloads.collective.transport import Transport, parse_transport

PROGRAM = (Path(__file__).parent / "program.py").read_text(encoding="utf-8")
DEADLINE_S = 240.0
"""Starting torch takes half a minute on a cold disk; a rank waits 60 s for the others."""


class Figure(BaseModel):
    """One collective in nccl-tests' terms: bytes of the message, GB/s of algorithm and bus."""

    name: str
    bytes: int
    algorithm_gb_s: float
    bus_gb_s: float


class _Told(BaseModel):
    figures: tuple[Figure, ...] = ()
    failure: str | None = None


@dataclass(frozen=True)
class Collective:
    """What the ranks measured together, and the way that each rank's NCCL chose, by node; None where it was gloo."""

    figures: tuple[Figure, ...]
    transports: dict[str, Transport | None]

    @property
    def slowest(self) -> Figure:
        """The collective with the lowest bus bandwidth."""
        return min(self.figures, key=lambda figure: figure.bus_gb_s)


def measure_collective(cluster: Cluster) -> Collective:
    """Measure all_gather and all_reduce over all nodes.

    Raises:
        ClusterError: A rank could not be run, or broke off; the message has its own words.
    """
    cluster.tell("measuring all_gather and all_reduce over all nodes")
    outputs = cluster.on_all(_run, cluster.nodes)
    told = [understand(node.name, out) for node, out in zip(cluster.nodes, outputs, strict=True)]
    transports = {node.name: parse_transport(out) for node, out in zip(cluster.nodes, outputs, strict=True)}
    return Collective(told[0], transports)


def understand(node: str, out: str) -> tuple[Figure, ...]:
    """Read the last line that is the program's own: NCCL says farewell after it.

    Raises:
        CommandFailed: It is a failure, or no account at all.
    """
    lines = out.strip().splitlines() or [""]
    last = next((line for line in reversed(lines) if line.startswith("{")), lines[-1])
    try:
        told = TypeAdapter(_Told).validate_json(last)
    except ValidationError:
        raise CommandFailed(f"the rank on {node} broke off; its last words: {last[:200]!r}") from None
    if told.failure or not told.figures:
        raise CommandFailed(f"the rank on {node} failed: {told.failure or 'it measured nothing'}")
    return told.figures


def _run(node: Node) -> str:
    cluster = node.cluster
    place = (str(node.rank), str(cluster.size), cluster.rendezvous, str(cluster.inventory.rendezvous_port))
    try:
        with docker_of(node, timeout_s=DEADLINE_S) as client:
            command = ["python3", "-c", PROGRAM, *place, cluster.inventory.device]
            answer: Any = client.containers.get(node.container.ours[0].id).exec_run(command)
            return str(answer.output, "utf-8", "replace")
    except ClusterError as error:
        # Every rank comes to its end before one is blamed.
        return json.dumps({"failure": str(error)[:200]})
