"""Why the accelerate configurations do not make one job of all nodes."""

from cluster.cluster import Cluster
from cluster.node import Node
from runbook.found.config import faults, settings_of


def not_rendered(node: Node) -> str:
    """Say how accelerate.yaml differs from the one rendered: missing, a TODO left, or other settings."""
    found = faults(node)
    if found == ("no file",):
        return "accelerate.yaml is missing in the workspace"
    if any(one.startswith("line ") for one in found):
        return "a TODO was left in accelerate.yaml, which is no YAML then"
    if any(one.startswith("main_process_ip") for one in found):
        return f"the ranks would look for rank 0 at another address than {node.cluster.rendezvous}"
    return "accelerate.yaml was edited, or made for another cluster"


def wrong_ranks(cluster: Cluster) -> str:
    """Name the nodes that share a rank, or the rank that nobody has."""
    ranks = {node.name: settings_of(node).rank for node in cluster.nodes}
    shared = cluster.repeated(lambda node: [f"rank {ranks[node.name]}"])
    if shared:
        return f"{shared[0]}: each would wait for the other without a word"
    if missing := sorted(set(range(cluster.size)) - set(ranks.values())):
        return f"nobody is rank {missing[0]}, for which all others would wait"
    return "the ranks are in another order than the nodes of the inventory"


def port_taken(cluster: Cluster) -> str:
    """Say who listens on the rendezvous port."""
    holder = cluster.manager.config.listeners[cluster.inventory.rendezvous_port]
    earlier = ": an earlier training may still hold it" if holder.startswith(("python", "pt_")) else ""
    return f"{holder} listens there{earlier}"
