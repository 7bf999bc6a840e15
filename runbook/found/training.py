"""What a fine-tune reached, as checks compare it."""

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


def per_node(training: Training) -> float:
    """The throughput of a node, in real tokens per second.

    Raises:
        UnknownFact: No rank told how fast it was.
    """
    if not training.tokens_per_s > 0:
        raise UnknownFact("no rank told how fast it was.")
    return training.tokens_per_s / len(training.ranks)
