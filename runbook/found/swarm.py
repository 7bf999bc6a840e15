"""What a node is in the swarm, and what the swarm is made of, as step 5 compares it."""

from cluster.cluster import Cluster
from cluster.facts.swarm import SwarmNode
from cluster.node import Node


def role(node: Node) -> str:
    """Say what a node is in whatever swarm it is in."""
    swarm = node.docker.engine.swarm
    if swarm.state != "active":
        return f"{swarm.state}: {swarm.error}" if swarm.error else swarm.state
    return "manager" if swarm.is_manager else "worker"


def member_of(node: Node) -> SwarmNode | None:
    """Find a node in the manager's list of members."""
    identity = node.docker.engine.swarm.node_id
    return node.cluster.manager.swarm.member(identity) if identity else None


def membership(node: Node) -> str:
    """Say where a node is: in the manager's swarm, in another, or in none."""
    if node.docker.engine.swarm.state != "active":
        return node.docker.engine.swarm.state
    return "in the manager's swarm" if member_of(node) else "in another swarm"


def status(node: Node) -> str:
    """Say how the manager sees a node."""
    member = member_of(node)
    return member.state if member else "not a member"


def is_lost(node: Node) -> bool:
    """Whether a node takes part in the manager's swarm, which does not hear from it."""
    return node.docker.engine.swarm.state == "active" and status(node) in ("down", "unknown")


def not_managing(cluster: Cluster) -> tuple[str, ...]:
    """Name the nodes that have to manage the swarm, and do not."""
    nodes = [cluster[entry.name] for entry in cluster.inventory.swarm_managers]
    return tuple(node.name for node in nodes if (member := member_of(node)) and member.role != "manager")


def availability(node: Node) -> str:
    """Say whether a node takes tasks."""
    member = member_of(node)
    return member.availability if member else "not a member"


def strangers(cluster: Cluster) -> tuple[str, ...]:
    """List members that could be given tasks and are in no inventory."""
    return tuple(member.hostname for member in cluster.strangers)


def address(node: Node) -> str:
    """Say by which address the swarm knows a node."""
    return node.docker.engine.swarm.address


def identities(node: Node) -> tuple[str, ...]:
    """List what a node is called in its swarm."""
    return (node.docker.engine.swarm.node_id,)


def offers(node: Node) -> tuple[str, ...]:
    """List the GPUs that the swarm has on record for a node."""
    member = member_of(node)
    return member.offers if member else ()
