"""What is there of the stack and of what it needs, as step 6 compares it."""

from cluster.node import Node
from workloads import launcher
from workloads.deploy import workspace_files


def missing_directories(node: Node) -> tuple[str, ...]:
    """List the directories that containers are to see and that are not there."""
    return tuple(path for path, there in node.stack.directories.items() if not there)


def not_writable(node: Node, path: str) -> tuple[str, ...]:
    """Return the path if it is there and the user may not write into it."""
    return (path,) if node.stack.writable.get(path) is False else ()


def running_tasks(node: Node) -> int:
    """Count the tasks of the stack that run on a node; what it ran before it joined anew is to shut down."""
    wanted = [task for task in launcher.tasks(node.cluster) if task.desired != "Shutdown"]
    return sum(task.runs for task in wanted if task.node == node.machine.hostname)


def stale_files(node: Node) -> tuple[str, ...]:
    """List the files of the program that are missing or are not this version's."""
    there, wanted = node.stack.workspace, workspace_files(node.cluster.inventory.recipe)
    return tuple(name for name, content in wanted.items() if there.get(name) != content.sha256)
