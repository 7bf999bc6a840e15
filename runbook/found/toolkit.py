"""What the NVIDIA container runtime is set to, as step 3 compares it."""

from cluster.node import Node

# The modes of nvidia-container-toolkit's config.toml but csv, which is for Jetson.
_MODES = frozenset({"auto", "cdi", "jit-cdi", "legacy"})


def foreign_mode(node: Node) -> tuple[str, ...]:
    """Name the runtime's mode where it is none for such a machine."""
    mode = node.toolkit.mode
    return () if mode in _MODES else (mode,)
