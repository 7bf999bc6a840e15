"""What a verdict rests on: the commands that were read for it, with what they said."""

from collections.abc import Iterable
from functools import cache

from cluster.node import Node
from engine.outcome import Evidence

KEPT_OUTPUT = 4000
"""Of a command's output at most so many characters go into the report."""


def evidence_of(nodes: Iterable[Node]) -> list[Evidence]:
    """List what was read on nodes since `start_evidence`, each reading once."""
    return [
        _kept(reading.command, reading.exit, (reading.out + reading.err)[:KEPT_OUTPUT])
        for node in nodes
        for reading in node.evidence()
        if reading.command
    ]


@cache
def _kept(command: str, exit_status: int | None, output: str) -> Evidence:
    """Keep each once, since many verdicts rest on one reading."""
    return Evidence(command, exit_status, output)
