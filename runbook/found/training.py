"""What a fine-tune reached, as checks compare it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from cluster.errors import UnknownFact
from workloads.job import Training
from workloads.recipe import Recipe


def speed_percent(training: Training, recipe: Recipe) -> float:
    """The throughput of a node, in percent of the recipe's reference; skipped where that is of another GPU.

    Raises:
        UnknownFact: No rank told how fast it was.
    """
    reference = recipe.reference
    if reference is None:
        pytest.skip(f"the recipe has no reference; measured: {per_node(training):.0f} tokens/s on each node")
    if training.devices != {reference.gpu}:
        pytest.skip(f"the recipe's reference is of {reference.gpu}, not of {', '.join(sorted(training.devices))}")
    return round(100 * per_node(training) / reference.tokens_per_s, 1)


@dataclass(frozen=True)
class Earlier:
    """An earlier run that trained, and its throughput in real tokens per second of all ranks together."""

    run: str
    tokens_per_s: float


def last_alike(
    trainings: Iterable[tuple[str, Mapping[str, Any]]], settings: Mapping[str, str], nodes: Iterable[str]
) -> Earlier | None:
    """Find the newest run that trained with the same settings on the same nodes, and told how fast it was."""
    wanted = set(nodes)
    for run, told in trainings:
        there = {rank["node"] for rank in told.get("ranks") or ()}
        if told.get("settings") == settings and there == wanted and told.get("tokens_per_s"):
            return Earlier(run, float(told["tokens_per_s"]))
    return None


def steady_percent(training: Training, last: Earlier | None) -> float:
    """The throughput in percent of the last run that trained the same; skipped where there is none.

    Raises:
        UnknownFact: No rank told how fast it was.
    """
    if last is None:
        pytest.skip(f"no earlier run trained the same; measured: {per_node(training):.0f} tokens/s on each node")
    return round(100 * per_node(training) * len(training.ranks) / last.tokens_per_s, 1)


def per_node(training: Training) -> float:
    """The throughput of a node, in real tokens per second.

    Raises:
        UnknownFact: No rank told how fast it was.
    """
    if not training.tokens_per_s > 0:
        raise UnknownFact("no rank told how fast it was.")
    return training.tokens_per_s / len(training.ranks)
