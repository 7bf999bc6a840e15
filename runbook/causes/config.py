"""Why the accelerate configurations do not make one job of all nodes."""

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


def not_rendered(node: Node) -> str:
    """Say which of these it is."""
    found = faults(node)
    if found == ("no file",):
        return "accelerate.yaml is missing in the workspace"
    if any(one.startswith("line ") for one in found):
        return "a TODO was left in accelerate.yaml, which is no YAML then"
    if any(one.startswith("main_process_ip") for one in found):
        return f"the ranks would look for rank 0 at another address than {node.cluster.rendezvous}"
    return "accelerate.yaml was edited, or made for another cluster"


def settings_of(node: Node) -> AccelerateConfig:
    """Read a node's configuration.

    Raises:
        UnknownFact: It cannot be understood.
    """
    try:
        return parse_accelerate(node.config.accelerate)
    except AccelerateConfigError as error:
        raise UnknownFact(f"on {node.name} {error}") from None


def wrong_ranks(cluster: Cluster) -> str:
    """Name the nodes that share a rank, or the rank that nobody has."""
    ranks = {node.name: settings_of(node).rank for node in cluster.nodes}
    shared = cluster.repeated(lambda node: [f"rank {ranks[node.name]}"])
    if shared:
        return f"{shared[0]}: each would wait for the other without a word"
    missing = sorted(set(range(cluster.size)) - set(ranks.values()))
    return f"nobody is rank {missing[0]}, for which all others would wait"


def differing(cluster: Cluster) -> tuple[str, ...]:
    """List the settings, all but the rank, that are not the same on all nodes, with each node's value."""
    told = []
    settings = {node.name: vars(settings_of(node).but_rank()) for node in cluster.nodes}
    for name in settings[cluster.manager.name]:
        values = {node: found[name] for node, found in settings.items()}
        if len({repr(value) for value in values.values()}) > 1:
            told.append(f"{name}: {', '.join(f'{node} {value}' for node, value in values.items())}")
    return tuple(told)


def port_taken(cluster: Cluster) -> str:
    """Say who listens on the rendezvous port."""
    holder = cluster.manager.config.listeners[cluster.inventory.rendezvous_port]
    earlier = ": an earlier training may still hold it" if holder.startswith(("python", "pt_")) else ""
    return f"{holder} listens there{earlier}"
