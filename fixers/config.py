"""Step 9: each node's accelerate configuration, rendered from one source."""

from collections.abc import Iterator

from cluster.facts.config import ACCELERATE_YAML
from cluster.node import Node
from engine.change import Change, WriteFile
from workloads.deploy import rendered_config


def render(node: Node) -> Iterator[Change]:
    """Write the configuration with this node's own rank."""
    path = f"{node.cluster.workspace}/{ACCELERATE_YAML}"
    yield WriteFile(node, path, rendered_config(node).encode(), root=False)
