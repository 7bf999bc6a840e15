"""What of a node's files of SSH is not as ssh wants it."""

from cluster.node import Node


def open_to_others(node: Node) -> tuple[str, ...]:
    """List files of SSH that others may read or write, with their modes."""
    return tuple(f"{file.path} ({file.mode})" for file in node.ssh.guarded if file.is_open)
