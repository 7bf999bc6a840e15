"""File systems of a node, as df tells them."""

CACHE = "/home/nvidia/.cache/huggingface"
WORKSPACE = "/home/nvidia/spark-runbook"


def disk(
    place: str, *, used: int = 50, free: int = 50, inodes: str = "100", inodes_used: str = "10", device: int = 7
) -> str:
    """One of them, in GB and files."""
    return f"{used * 10**9} {free * 10**9} {inodes} {inodes_used} {device} {place}\n"
