"""Step 14: remove the stack, and on request the downloaded models."""

from collections.abc import Iterator
from shlex import quote

from cluster.cluster import Cluster
from cluster.node import Node
from engine.change import Change, Changes, Consent, RunCommand
from fixers.stack import remove_command
from workloads import downloads, launcher


def remove_stack(cluster: Cluster) -> Changes:
    """Remove the stack, or the containers that were started without one, and wait until they are gone."""
    started = [node for node in launcher.starting_nodes(cluster) if node.stack.digest]
    yield [RunCommand(node, remove_command(cluster), deadline_s=90) for node in started]


def remove_models(node: Node) -> Iterator[Change]:
    """Remove what training has downloaded, each model by its full name, when asked to."""
    for path in downloads.of_training(node):
        consent = Consent("remove-models", f"{path} is deleted on {node.name}, and has to be downloaded again")
        yield RunCommand(node, f"rm -rf -- {quote(path)}", consent=consent)
