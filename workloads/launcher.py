"""How the containers are started: by a swarm stack, as the playbook does, or as a plain container on each node."""

from cluster.cluster import Cluster
from cluster.facts.stack import Task
from cluster.node import Node
from workloads.deploy import container_spec, rendered_stack
from workloads.plain_container import container_digest
from workloads.stack import stack_digest


def starting_nodes(cluster: Cluster) -> tuple[Node, ...]:
    """The nodes that know what was deployed: the manager of a swarm, else each of its own container."""
    return (cluster.manager,) if cluster.inventory.uses_swarm else cluster.nodes


def deployed(cluster: Cluster) -> dict[str, str]:
    """Return the digest of what is deployed, by the node that knows; empty where there is nothing."""
    return {node.name: node.stack.digest for node in starting_nodes(cluster)}


def expected(cluster: Cluster) -> dict[str, str]:
    """Return the digests as they are when what is deployed is what the inventory says."""
    if cluster.inventory.uses_swarm:
        return {cluster.manager.name: stack_digest(rendered_stack(cluster))}
    spec = container_spec(cluster)
    return {node.name: container_digest(spec, rdma=node.stack.rdma) for node in cluster.nodes}


def story(cluster: Cluster, task: Task) -> str:
    """Tell what became of a task and, where it had started, the last that it said."""
    started = task.state.startswith(("Failed", "Complete", "Exited", "Restarting"))
    knowing = (
        node for node in starting_nodes(cluster) if cluster.inventory.uses_swarm or node.machine.hostname == task.node
    )
    words = next((node.ended.last_words.get(task.id, ()) for node in knowing), ()) if started else ()
    return f"{task.story}; its last words: {' / '.join(words)}" if words else task.story


def tasks(cluster: Cluster) -> tuple[Task, ...]:
    """Return every container that was started, or was to be."""
    return tuple(task for node in starting_nodes(cluster) for task in node.stack.tasks)
