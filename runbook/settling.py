"""For what fails and may soon pass by itself: what is waited for, or None where one more look is enough."""

import time

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.facts.stack import restarted_in_vain
from cluster.node import Node
from runbook.found.stack import running_tasks
from runbook.found.swarm import is_lost
from workloads import launcher

SETTLING_S = 60
"""So long a swarm may take to get over a restart: three heartbeats of 5 s are missed, and tasks come 5 s later."""


def at_a_second_look(_: Cluster) -> str | None:
    """What was read while something came up is read once more, and no more than that."""
    return None


def swarm_settles(cluster: Cluster) -> str | None:
    """A swarm takes a while to notice that a docker was started, or that the network works again."""
    ages = [age for node in cluster.reached if (age := _docker_in_a_swarm_is_up(node)) is not None]
    if len(ages) < len(cluster.reached):
        return None
    if cluster.changed_at is not None:
        ages.append(time.time() - cluster.changed_at)
    return "the swarm takes up what has just changed" if min(ages, default=SETTLING_S) < SETTLING_S else None


def _docker_in_a_swarm_is_up(node: Node) -> float | None:
    """For how long, in seconds; None where there is none, or it does not answer."""
    try:
        told = node.docker.up_s if node.docker.engine.swarm.state != "inactive" else None
    except UnknownFact:
        return None
    return None if told is None else told + time.time() - node.docker.span[1]


def members_settle(cluster: Cluster) -> str | None:
    """A node that was cut off is heard again some heartbeats after it came back."""
    lost = [node.name for node in cluster.reached if is_lost(node)]
    return f"the manager may yet hear from {' and '.join(lost)}" if lost else swarm_settles(cluster)


def tasks_settle(cluster: Cluster) -> str | None:
    """A task that was given to a node starts within seconds; after a restart, or after another, it is given first."""
    tasks = launcher.tasks(cluster)
    in_vain = restarted_in_vain(tasks)
    coming = [task for task in tasks if task.comes and task.node not in in_vain]
    if coming:
        return f"a task is {coming[0].state.lower()}"
    # One on a node that is off stays as it was last seen.
    going = [task.node for task in tasks if task.goes and _is_reached(cluster, task.node)]
    return f"swarm replaces the task on {' and '.join(going)}" if going else swarm_settles(cluster)


def _is_reached(cluster: Cluster, hostname: str) -> bool:
    return any(node.machine.hostname == hostname for node in cluster.reached)


def containers_settle(cluster: Cluster) -> str | None:
    """Swarm takes a while to notice that a container has ended, and then gives the node another task."""
    ended = [node.name for node in cluster.reached if running_tasks(node) and not node.container.ours]
    if ended:
        return f"swarm has not noticed yet that the container on {' and '.join(ended)} has ended"
    return tasks_settle(cluster)
