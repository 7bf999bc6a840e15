"""Step 14: what was deployed is gone, and on request what was downloaded."""

from cluster.cluster import Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import cleanup
from runbook.conditions import cleans_up
from workloads import downloads, launcher

pytestmark = step(14, "Cleanup and rollback")


@check("cleanup.stack", fix=cleanup.remove_stack, applies=cleans_up)
def test_stack_is_gone(cluster: Cluster) -> None:
    """The stack is removed."""
    assert set(launcher.deployed(cluster).values()) == {""}, "the containers still run on the nodes"


@check("cleanup.models", fix=cleanup.remove_models, applies=cleans_up, together="nodes")
def test_models_are_gone(node: Node) -> None:
    """The models and data sets that training downloaded no longer take up disk space."""
    assert downloads.of_training(node) == (), "they are kept unless you ask for their removal"
