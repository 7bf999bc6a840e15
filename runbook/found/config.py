"""What the accelerate configurations say, as step 9 compares it."""

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.node import Node
from workloads.accelerate_config import AccelerateConfig, AccelerateConfigError, differences, parse_accelerate
from workloads.deploy import rendered_config


def faults(node: Node) -> tuple[str, ...]:
    """List what is wrong with a node's file: that it is missing, what was left to do, or each setting that differs."""
    text = node.config.accelerate
    if not text.strip():
        return ("no file",)
    left = [f"line {number}: {line.strip()}" for number, line in enumerate(text.splitlines(), 1) if "TODO" in line]
    if left:
        return tuple(left)
    try:
        return differences(text, rendered_config(node))
    except AccelerateConfigError as error:
        return (str(error),)


def settings_of(node: Node) -> AccelerateConfig:
    """Read a node's configuration.

    Raises:
        UnknownFact: It cannot be understood.
    """
    try:
        return parse_accelerate(node.config.accelerate)
    except AccelerateConfigError as error:
        raise UnknownFact(f"on {node.name} {error}") from None


def differing(cluster: Cluster) -> tuple[str, ...]:
    """List the settings, all but the rank, that are not the same on all nodes, with each node's value."""
    told = []
    settings = {node.name: vars(settings_of(node).but_rank()) for node in cluster.nodes}
    for name in settings[cluster.manager.name]:
        values = {node: found[name] for node, found in settings.items()}
        if len({repr(value) for value in values.values()}) > 1:
            told.append(f"{name}: {', '.join(f'{node} {value}' for node, value in values.items())}")
    return tuple(told)


def ranks(cluster: Cluster) -> list[int]:
    """List the ranks in the order of the nodes."""
    return [settings_of(node).rank for node in cluster.nodes]


def listening(cluster: Cluster) -> list[int]:
    """List the ports on which somebody listens where the ranks meet."""
    return sorted(cluster.manager.config.listeners)
