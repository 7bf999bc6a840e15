"""What the training containers were given and contain, as step 7 compares it."""

import pytest
from packaging.version import Version

from cluster.cluster import Cluster
from cluster.facts.container import InsideFacts, RunningContainer
from cluster.facts.swarm import SWARM_RESOURCE
from cluster.node import Node
from workloads.requirements import IMAGES_OWN, TOO_OLD_BEFORE, asked_for, pinned


def running(node: Node) -> RunningContainer:
    """Return the training container of a node; skipped where none runs, of which another check tells."""
    if not node.container.ours:
        pytest.skip(f"no training container runs on {node.name}")
    return node.container.ours[0]


def inside(node: Node) -> InsideFacts:
    """Return what the training container of a node sees; skipped where none runs."""
    running(node)
    return node.inside


def given(node: Node) -> str:
    """Return the GPUs that swarm gave the container; a plain one is given all."""
    if not node.cluster.inventory.uses_swarm:
        return ",".join(node.gpu.uuids)
    return running(node).environment.get(SWARM_RESOURCE, "")


def missing_packages(node: Node) -> tuple[str, ...]:
    """List what the program imports and the container does not have."""
    return tuple(name for name in asked_for() if name not in inside(node).packages)


def too_old(node: Node) -> tuple[str, ...]:
    """List packages that the image need not bring, and brings in a version that keeps the program from starting."""
    found = inside(node).packages
    return tuple(
        f"{name} {found[name]}, older than {least}"
        for name, least in TOO_OLD_BEFORE.items()
        if name in found and Version(found[name]) < Version(least)
    )


def unpinned(node: Node) -> tuple[str, ...]:
    """List packages in another version than the program was tried with; what an image may bring of its own is left."""
    found = inside(node).packages
    return tuple(
        f"{name} {found[name]} instead of {version}"
        for name, version in pinned().items()
        if name in found and found[name] != version and name not in IMAGES_OWN
    )


def differing_packages(cluster: Cluster) -> tuple[str, ...]:
    """List packages of the fine-tune that are not in one version on all nodes, with each node's."""
    installed = {node.name: inside(node).packages for node in cluster.nodes}
    told = []
    for name in pinned():
        versions = {node: packages.get(name, "none") for node, packages in installed.items()}
        if len(set(versions.values())) > 1:
            told.append(f"{name}: {', '.join(f'{node} {version}' for node, version in versions.items())}")
    return tuple(told)
