"""What the nodes are, and what they have for a recipe, as step 1 compares it."""

import pytest

from cluster.cluster import Cluster
from cluster.facts.clock import apart_s
from cluster.facts.resources import GB, Disk
from cluster.node import Node
from workloads import downloads
from workloads.deploy import SMOKE_RECIPE
from workloads.recipe import Recipe, find_recipe


def clocks_apart_s(cluster: Cluster) -> float:
    """Return how far the two clocks that differ most are apart, in seconds."""
    return apart_s(cluster, cluster.thresholds.clock_offset_s)


def shared_workspaces(cluster: Cluster) -> tuple[str, ...]:
    """Name the file servers on which several nodes have their workspace."""
    return cluster.repeated(lambda node: filter(None, [node.resources.file_server]))


def fullest_percent(node: Node) -> float:
    """Return how full the fullest of the file systems that matter is."""
    return max(disk.used_percent for disk in node.resources.disks)


def inodes_percent(node: Node) -> float:
    """Return how many of its inodes the file system that is shortest of them has used, in percent."""
    return max(disk.inodes_percent for disk in node.resources.disks)


def room_gb(node: Node, recipe: Recipe) -> float:
    """Return the room for the recipe's model, in GB: what is free, and what the model has already taken."""
    if _is_local(recipe):
        pytest.skip(f"the model is in {recipe.model}, and is not fetched")
    return round((_disk_of(node, node.cluster.model_cache).free + _fetched(node, recipe)) / GB, 1)


def output_room_gb(node: Node, recipe: Recipe) -> float:
    """Return the room for the recipe's checkpoints and result, in GB.

    It is what is free, less what the model will take of the same disk, and what the run that would be carried on has
    already written.
    """
    cache, workspace = (_disk_of(node, place) for place in (node.cluster.model_cache, node.cluster.workspace))
    shared = cache.device == workspace.device and not _is_local(recipe)
    to_fetch = max(0, recipe.needs.disk_gb * GB - _fetched(node, recipe)) if shared else 0
    name = find_recipe(node.cluster.inventory.recipe or SMOKE_RECIPE).stem
    written = [size for run, size in sorted(node.resources.checkpoints.items()) if run.endswith(f"-{name}")]
    return round((workspace.free - to_fetch + sum(written[-1:])) / GB, 1)


def _is_local(recipe: Recipe) -> bool:
    return recipe.model.startswith(("/", "."))


def _disk_of(node: Node, place: str) -> Disk:
    return next(disk for disk in node.resources.disks if disk.place == place)


def _fetched(node: Node, recipe: Recipe) -> int:
    return node.resources.models.get(downloads.folder_of(recipe.model), 0)


def memory_gb(node: Node) -> float:
    """Return the memory that is to be had for training, in GB; skips where the GPU has memory of its own."""
    if node.cluster.inventory.device != "cpu" and not node.resources.unified:
        pytest.skip("the recipe's need is that of the GPU, which has memory of its own here")
    return node.resources.available_gb
