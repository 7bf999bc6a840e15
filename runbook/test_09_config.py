"""Step 9: every node's accelerate configuration has its own rank and is otherwise the same."""

from cluster.cluster import Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import config
from runbook.causes import config as why
from runbook.found import config as found

pytestmark = step(9, "Adapt the configuration files")


@check(
    "config.rendered",
    fix=config.render,
    needs=("stack.directories", "network.addressed", "machine.own_workspace"),
    together="nodes",
)
def test_configuration_is_rendered(node: Node) -> None:
    """The configuration is filled in for this node, with nothing left to do by hand."""
    assert found.faults(node) == (), why.not_rendered(node)


@check("config.ranks", needs=("config.rendered",), remedy="give every node a place of its own in the inventory")
def test_ranks_are_distinct(cluster: Cluster) -> None:
    """The ranks count up from 0, one a node: two nodes at rank 0 would wait for each other without a word."""
    assert found.ranks(cluster) == list(range(cluster.size)), why.wrong_ranks(cluster)


@check("config.same", needs=("config.rendered",), remedy="run with --fix, which renders all from one source")
def test_configurations_differ_in_rank_alone(cluster: Cluster) -> None:
    """In everything but the rank the configurations are the same."""
    assert found.differing(cluster) == (), "the ranks would not find each other, or not train one model"


@check(
    "config.port", needs=("config.rendered",), remedy="end what listens there, or set rendezvous_port in the inventory"
)
def test_port_is_free(cluster: Cluster) -> None:
    """The rendezvous port is free on the manager."""
    assert cluster.inventory.rendezvous_port not in found.listening(cluster), why.port_taken(cluster)
