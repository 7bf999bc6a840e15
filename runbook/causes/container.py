"""Why the training containers are not what they have to be, or not the same on all nodes."""

from cluster.node import Node
from runbook.found.container import given


def not_one(node: Node) -> str:
    """Name the containers that carry our label, or say that there is none."""
    names = [container.name.lstrip("/") for container in node.container.ours]
    if not names:
        return "no container with our label runs here: it ended since the task was seen running"
    return f"several containers carry our label: {', '.join(names)}"


def not_given(node: Node) -> str:
    """Tell a container without a GPU from one with another's."""
    if not given(node):
        return "swarm gave the container no GPU: its service reserves none"
    return f"swarm gave the container {given(node)}, which is not this node's"


def not_working(node: Node) -> str:
    """Say what the container sees instead of the GPU that it was given."""
    seen = node.inside.devices
    if not seen[0].startswith(("GPU-", "MIG-")):
        if "Unknown Error" in seen[0]:
            return f"{seen[0]}: the container lost its GPU when systemd reloaded its units, and has to be made anew"
        return f"in the container nvidia-smi says: {seen[0]}"
    return f"the container sees {', '.join(seen)}: the runtime did not heed what swarm gave it"
