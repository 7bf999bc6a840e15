"""Step 5: one swarm on the fabric, with every node in it and every GPU on offer."""

from cluster.cluster import Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import swarm

pytestmark = step(5, "Initialize Docker Swarm")

EVERY_NODE = ("docker.usable", "gpu.in_force", "network.addressed")


@check("swarm.initialised", fix=swarm.initialise, needs=EVERY_NODE)
def test_manager_leads_a_swarm(cluster: Cluster) -> None:
    """The manager leads a swarm."""
    assert swarm_role(cluster.manager) == "manager", "no swarm was initialised there, or it is a worker of another"


@check("swarm.joined", fix=swarm.join, needs=("swarm.initialised", "network.reachable"))
def test_node_is_in_the_swarm(node: Node) -> None:
    """The node is in the manager's swarm, ready and active."""
    assert membership(node) == "ready, active", "it has not joined, is in another swarm, is drained or is down"


@check("swarm.address", needs=("swarm.joined",), remedy="leave the swarm on this node and join by the fabric address")
def test_node_is_known_by_its_fabric_address(node: Node) -> None:
    """The swarm knows the node by its fabric address."""
    assert node.docker.engine.swarm.address == fabric_address(node), "traffic of the swarm would take another network"


@check("swarm.gpu_advertised", needs=("swarm.joined",), remedy="restart docker on this node")
def test_node_offers_its_own(node: Node) -> None:
    """The node offers its own GPU to the swarm."""
    assert offers(node) == node.docker.configured["offers"], "the swarm has an old or another node's resource on record"


def swarm_role(node: Node) -> str:
    swarm = node.docker.engine.swarm
    if swarm.state != "active":
        return f"{swarm.state}: {swarm.error}" if swarm.error else swarm.state
    return "manager" if swarm.is_manager else "worker"


def membership(node: Node) -> str:
    member = node.cluster.manager.swarm.member(node.docker.engine.swarm.node_id)
    return f"{member.status.state}, {member.spec.availability}" if member else "not a member"


def fabric_address(node: Node) -> str:
    return node.cluster.rendezvous if node.rank == 0 else node.cluster.fabric_address(node)


def offers(node: Node) -> tuple[str, ...]:
    member = node.cluster.manager.swarm.member(node.docker.engine.swarm.node_id)
    return member.offers if member else ()
