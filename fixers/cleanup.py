"""Step 14: remove the stack, and on request the downloaded models."""

from collections.abc import Iterator
from shlex import quote

from cluster.cluster import Cluster
from cluster.node import Node
from engine.change import Change, Consent, RunCommand
from fixers.stack import remove_command
from workloads import launcher


def remove_stack(cluster: Cluster) -> Iterator[Change]:
    """Remove the stack, or the containers that were started without one, and wait until they are gone."""
    for node in launcher.starting_nodes(cluster):
        if node.stack.digest:
            yield RunCommand(node, remove_command(cluster), deadline_s=90)


def remove_models(node: Node) -> Iterator[Change]:
    """Remove the downloaded models, each by its full name, when asked to."""
    for path in node.stack.cached_models:
        consent = Consent("remove-models", f"{path} on {node.name}, which would be downloaded again")
        yield RunCommand(node, f"rm -rf -- {quote(path)}", consent=consent)
