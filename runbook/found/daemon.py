"""What daemon.json says of the runtime nvidia."""

from cluster.node import Node


def runtime_path(node: Node) -> str:
    """Return the program that daemon.json registers as the runtime nvidia."""
    entry = (node.docker.settings.get("runtimes") or {}).get("nvidia")
    return str(entry.get("path", "")) if isinstance(entry, dict) else ""
