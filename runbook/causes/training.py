"""Why a fine-tune is slow."""

from runbook.found.training import Earlier, per_node
from workloads.job import Training
from workloads.recipe import Recipe


def slow(training: Training, recipe: Recipe) -> str:
    """What was reached, and what it is held to."""
    measured_on = recipe.reference.measured_on if recipe.reference else "nothing"
    return f"{per_node(training):.0f} tokens/s on each node, where the recipe's reference is of {measured_on}"


def slower(training: Training, last: Earlier | None) -> str:
    """What was reached, and in which run it was more."""
    before = f", where run {last.run} reached {last.tokens_per_s / len(training.ranks):.0f}" if last else ""
    return f"{per_node(training):.0f} tokens/s on each node{before}"
