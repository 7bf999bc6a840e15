"""Why the training containers are not what they have to be, or not the same on all nodes."""

from cluster.cluster import Cluster
from cluster.node import Node
from workloads import launcher
from workloads.requirements import IMAGES_OWN, asked_for, pinned


def not_one(node: Node) -> str:
    """Name the containers that carry our label, or say that there is none."""
    names = [container.name.lstrip("/") for container in node.container.ours]
    if not names:
        return "no container with our label runs here: it ended since the task was seen running"
    return f"several containers carry our label: {', '.join(names)}"


def given(node: Node) -> str:
    """Return the GPUs that swarm gave the container; a plain one is given all."""
    if not launcher.by_swarm(node.cluster):
        return ",".join(node.gpu.uuids)
    return node.container.ours[0].environment.get("DOCKER_RESOURCE_NVIDIA_GPU", "")


def not_given(node: Node) -> str:
    """Tell a container without a GPU from one with another's."""
    if not given(node):
        return "swarm gave the container no GPU: its service reserves none"
    return f"swarm gave the container {given(node)}, which is not this node's"


def not_working(node: Node) -> str:
    """Say what the container sees instead of the GPU that it was given."""
    seen = node.inside.devices
    if not seen[0].startswith("GPU-"):
        if "Unknown Error" in seen[0]:
            return f"{seen[0]}: the container lost its GPU when systemd reloaded its units, and has to be made anew"
        return f"in the container nvidia-smi says: {seen[0]}"
    return f"the container sees {', '.join(seen)}: the runtime did not heed what swarm gave it"


def missing_packages(node: Node) -> tuple[str, ...]:
    """List what the program imports and the container does not have."""
    return tuple(name for name in asked_for() if name not in node.inside.packages)


def unpinned(node: Node) -> tuple[str, ...]:
    """List packages in another version than the program was tried with; what an image may bring of its own is left."""
    found = node.inside.packages
    return tuple(
        f"{name} {found[name]} instead of {version}"
        for name, version in pinned().items()
        if name in found and found[name] != version and name not in IMAGES_OWN
    )


def differing_packages(cluster: Cluster) -> tuple[str, ...]:
    """List packages of the fine-tune that are not in one version on all nodes, with each node's."""
    installed = {node.name: node.inside.packages for node in cluster.nodes}
    told = []
    for name in pinned():
        versions = {node: packages.get(name, "none") for node, packages in installed.items()}
        if len(set(versions.values())) > 1:
            told.append(f"{name}: {', '.join(f'{node} {version}' for node, version in versions.items())}")
    return tuple(told)
