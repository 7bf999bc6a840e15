"""What a node has for a recipe, as step 1 compares it."""

import pytest

from cluster.facts.resources import GB
from cluster.node import Node
from workloads.recipe import Recipe


def fullest_percent(node: Node) -> float:
    """Return how full the fullest of the file systems that matter is."""
    return max(disk.used_percent for disk in node.resources.disks)


def inodes_percent(node: Node) -> float:
    """Return how many files of the fullest file system are used up."""
    return max(disk.inodes_percent for disk in node.resources.disks)


def room_gb(node: Node, recipe: Recipe) -> float:
    """Return the room for the recipe's model, in GB: what is free, and what the model has already taken."""
    cache = next(disk for disk in node.resources.disks if disk.place == node.cluster.model_cache)
    there = node.resources.models.get(f"models--{recipe.model.replace('/', '--')}", 0)
    return round((cache.free + there) / GB, 1)


def memory_gb(node: Node) -> float:
    """Return the memory that is to be had for training, in GB; skips where the GPU has memory of its own."""
    if node.cluster.inventory.device != "cpu" and not node.resources.unified:
        pytest.skip("the recipe's need is that of the GPU, which has memory of its own here")
    return node.resources.available_gb
