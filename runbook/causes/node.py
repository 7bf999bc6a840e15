"""What a node lacks for a recipe, and why."""

from cluster.cluster import Cluster
from cluster.node import Node
from workloads.recipe import Recipe


def fullest(node: Node) -> str:
    """Name what lies on the fullest file system."""
    worst = max(node.resources.disks, key=lambda disk: disk.used_percent)
    return f"the disk of {worst.place} is nearly full: docker and downloads would stop in the middle"


def out_of_files(node: Node) -> str:
    """Name what lies on the file system that has the fewest files left."""
    worst = max(node.resources.disks, key=lambda disk: disk.inodes_percent)
    return f"no more files can be made on the disk of {worst.place}, however much space is free"


def no_room(node: Node, recipe: Recipe) -> str:
    """Name the model that does not fit, and where."""
    return f"{recipe.model} does not fit on the disk of {node.cluster.model_cache}: its download would fail at the end"


def no_room_for_output(node: Node) -> str:
    """Name the place where checkpoints and result do not fit."""
    return (
        f"checkpoints and result do not fit on the disk of {node.cluster.workspace}: training would end in the middle"
    )


def no_memory(node: Node) -> str:
    """Name who holds the most."""
    return f"training would run out of memory; {node.resources.largest}"


def clocks_differ(cluster: Cluster) -> str:
    """Say which nodes keep no time."""
    without = [node.name for node in cluster.nodes if node.machine.time_service != "on"]
    if without:
        return (
            f"no time service runs on {' and '.join(without)}: certificates are not valid yet where a clock is behind"
        )
    return "a time service is on everywhere, and has not brought the clocks together: does it reach its servers?"
