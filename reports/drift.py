"""Whether the nodes, and the ranks of a training, agree with each other."""

from collections import Counter
from dataclasses import dataclass

from reports.model import Node, Report, Training


@dataclass(frozen=True)
class Drift:
    """One thing in which the nodes differ: each node's value, None where it has none, and whether it is the odd one."""

    subject: str
    name: str
    values: tuple[str | None, ...]
    odd: tuple[bool, ...]


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


def drift(report: Report) -> list[Drift]:
    """Return what the nodes do not share, in the nodes' order: first what the drawing shows, then all else."""
    nodes = report.nodes
    found = []
    for name, values in _shared(nodes).items():
        odd = odd_ones_out(values)
        if any(odd):
            shown = tuple("not known" if value is None else value for value in values)
            found.append(Drift("node", name, shown, tuple(odd)))
    for one in report.drift:
        told = tuple(one.values.get(node.name, "not known") for node in nodes)
        # What a node does not have is a finding, too; only what it did not tell is none.
        compared = [(one.values[node.name] or "") if node.name in one.values else None for node in nodes]
        found.append(Drift(one.subject, one.name, told, tuple(odd_ones_out(compared))))
    return found


def _shared(nodes: tuple[Node, ...]) -> dict[str, list[str | None]]:
    facts = {
        "system": [node.os for node in nodes],
        "kernel": [node.kernel for node in nodes],
        "docker": [node.docker for node in nodes],
        "gpu": [_gpus(node, "name") for node in nodes],
        "driver": [_gpus(node, "driver") for node in nodes],
    }
    for lane in sorted({link.name for node in nodes for link in node.links or () if link.network == "fabric"}):
        ends = [next((link for link in node.links or () if link.name == lane), None) for node in nodes]
        facts[f"{lane} carrier"] = [None if end is None else "yes" if end.up else "no" for end in ends]
        facts[f"{lane} MTU"] = [None if end is None or end.mtu is None else str(end.mtu) for end in ends]
        facts[f"{lane} speed"] = [
            None if end is None or end.speed_mbps is None else f"{end.speed_mbps / 1000:g} Gb/s" for end in ends
        ]
    return facts


def _gpus(node: Node, field: str) -> str | None:
    if node.gpus is None:
        return None
    return ", ".join(getattr(gpu, field) or "not known" for gpu in node.gpus) or "none"
