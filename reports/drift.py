"""Whether the nodes, and the ranks of a training, agree with each other."""

from collections import Counter

from reports.model import Node, Training


def weights_agree(training: Training) -> bool | None:
    """Return whether all ranks ended with the same weights; None where a sum lacks or there is only one."""
    sums = [rank.weights_sha256 for rank in training.ranks]
    if len(sums) < 2 or None in sums:
        return None
    return len(set(sums)) == 1


def odd_ones_out(values: list[str | None]) -> list[bool]:
    """Return which nodes' values differ from what most nodes have; all differ where no value leads.

    A value that is not known never counts as different.
    """
    known = Counter(value for value in values if value is not None)
    if len(known) < 2:
        return [False] * len(values)
    (leader, most), (_, second) = known.most_common(2)
    return [value is not None and (most == second or value != leader) for value in values]


def drifting(nodes: tuple[Node, ...]) -> dict[str, list[bool]]:
    """Return, for each fact that nodes should share, which of them differ in it, in the nodes' order."""
    facts = {
        "os": [node.os for node in nodes],
        "kernel": [node.kernel for node in nodes],
        "docker": [node.docker for node in nodes],
        "gpu": [_gpus(node, "name") for node in nodes],
        "driver": [_gpus(node, "driver") for node in nodes],
    }
    return {fact: odd_ones_out(values) for fact, values in facts.items()}


def _gpus(node: Node, field: str) -> str | None:
    return None if node.gpus is None else ", ".join(str(getattr(gpu, field)) for gpu in node.gpus)
