"""What is there of the stack and of what it needs, as step 6 compares it."""

from cluster.cluster import Cluster
from cluster.facts.stack import SERVICE
from cluster.node import Node
from workloads import launcher
from workloads.deploy import container_spec, workspace_files
from workloads.stack import service_parts


def missing_directories(node: Node) -> tuple[str, ...]:
    """List the directories that containers are to see and that are not there."""
    return tuple(path for path, there in node.stack.directories.items() if not there)


def not_writable(node: Node, path: str) -> tuple[str, ...]:
    """Return the path if it is there and the user may not write into it."""
    return (path,) if node.stack.writable.get(path) is False else ()


def changed_by_hand(cluster: Cluster) -> tuple[str, ...]:
    """Name the parts of the stack's service that are not as they were deployed."""
    service = cluster.manager.swarm.service(SERVICE)
    there = service.parts if service else {}
    deployed = service_parts(container_spec(cluster), cluster.size)
    return tuple(part for part, wanted in deployed.items() if there.get(part) != wanted)


def running_tasks(node: Node) -> int:
    """Count the tasks of the stack that run on a node; what it ran before it joined anew is to shut down."""
    wanted = [task for task in launcher.tasks(node.cluster) if task.desired != "Shutdown"]
    return sum(task.runs for task in wanted if task.node == node.machine.hostname)


def stale_files(node: Node) -> tuple[str, ...]:
    """List the files of the program that are missing or are not this version's."""
    there, wanted = node.stack.workspace, workspace_files(node.cluster.inventory.recipe)
    return tuple(name for name, content in wanted.items() if there.get(name) != content.sha256)
