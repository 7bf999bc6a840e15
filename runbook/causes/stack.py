"""Why the stack does not run a container on every node."""

from cluster.cluster import Cluster
from cluster.facts.stack import SERVICE, Task, restarted_in_vain
from cluster.facts.swarm import GPU_KIND
from cluster.node import Node
from runbook.found.stack import running_tasks
from workloads import launcher


def not_deployed(cluster: Cluster) -> str:
    """Tell a stack that is not there from one that is another."""
    missing = [name for name, digest in launcher.deployed(cluster).items() if not digest]
    if missing and not cluster.inventory.uses_swarm:
        return f"no container was started from here on {' and '.join(missing)}"
    if missing:
        return f"there is no service {SERVICE} that was deployed from here"
    return "the stack was deployed from another inventory or version: image, nodes, mounts or environment differ"


def not_running(node: Node) -> str:
    """Say why the node has no task, or more than one: what swarm says of it, who is in the way, its last words."""
    tasks = launcher.tasks(node.cluster)
    here = [task for task in tasks if task.node == node.machine.hostname]
    unplaced = [task for task in tasks if not task.node]
    if running_tasks(node) > 1:
        return "more than one task runs here, and another node has none"
    if again := restarted_in_vain(here).get(node.machine.hostname):
        return f"it is started again and again, and ends: {_told(node, again)}"
    if here:
        return _told(node, here[0])
    if unplaced:
        return _told(node, unplaced[0])
    elsewhere = ", ".join(f"{task.node} ({task.state})" for task in tasks)
    return f"swarm has given this node no task; there are: {elsewhere or 'none at all'}"


def _told(node: Node, task: Task) -> str:
    if "insufficient resources" in task.error and (holders := _holders(node)):
        return f"{task.story}; GPUs are held by the service {' and '.join(holders)}"
    return launcher.story(node.cluster, task)


def _holders(node: Node) -> tuple[str, ...]:
    return node.cluster.manager.swarm.holders(GPU_KIND, but=SERVICE)
