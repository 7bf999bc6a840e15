"""What a node lacks for a recipe, and why."""

import pytest

from cluster.facts.resources import GB
from cluster.node import Node
from workloads.recipe import Recipe


def fullest_percent(node: Node) -> float:
    """Return how full the fullest of the file systems that matter is."""
    return max(disk.used_percent for disk in node.resources.disks)


def fullest(node: Node) -> str:
    """Name what lies on the fullest file system."""
    worst = max(node.resources.disks, key=lambda disk: disk.used_percent)
    return f"the disk of {worst.place} is nearly full: docker and downloads would stop in the middle"


def inodes_percent(node: Node) -> float:
    """Return how many files of the fullest file system are used up."""
    return max(disk.inodes_percent for disk in node.resources.disks)


def out_of_files(node: Node) -> str:
    """Name what lies on the file system that has the fewest files left."""
    worst = max(node.resources.disks, key=lambda disk: disk.inodes_percent)
    return f"no more files can be made on the disk of {worst.place}, however much space is free"


def room_gb(node: Node, recipe: Recipe) -> float:
    """Return the room for the recipe's model, in GB: what is free, and what the model has already taken."""
    cache = next(disk for disk in node.resources.disks if disk.place == node.cluster.model_cache)
    there = node.resources.models.get(f"models--{recipe.model.replace('/', '--')}", 0)
    return round((cache.free + there) / GB, 1)


def no_room(node: Node, recipe: Recipe) -> str:
    """Say what does not fit where."""
    return f"{recipe.model} does not fit on the disk of {node.cluster.model_cache}: its download would fail at the end"


def memory_gb(node: Node) -> float:
    """Return the memory that is to be had for training, in GB; skips where the GPU has memory of its own."""
    if node.cluster.inventory.device != "cpu" and not node.resources.unified:
        pytest.skip("the recipe's need is that of the GPU, which has memory of its own here")
    return node.resources.available_gb


def no_memory(node: Node) -> str:
    """Name who holds the most."""
    return f"training would run out of memory; {node.resources.largest}"


def time_trouble(nodes: list[Node]) -> str:
    """Say which nodes keep no time."""
    without = [node.name for node in nodes if node.machine.time_service != "on"]
    if without:
        return (
            f"no time service runs on {' and '.join(without)}: certificates are not valid yet where a clock is behind"
        )
    return "a time service is on everywhere, and has not brought the clocks together: does it reach its servers?"
