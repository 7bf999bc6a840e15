"""Step 5: one swarm on the fabric, with every node in it and every GPU on offer."""

from cluster.cluster import Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import swarm
from runbook.causes import swarm as why
from runbook.conditions import by_swarm, has_a_fabric, has_docker, has_several_managers
from runbook.found import swarm as found
from runbook.settling import members_settle, swarm_settles

pytestmark = step(5, "Initialize Docker Swarm", applies=by_swarm)

EVERY_NODE = ("docker.usable", "docker.live_restore", "gpu.in_force", "network.addressed")


@check("swarm.initialised", fix=swarm.initialise, needs=EVERY_NODE)
def test_manager_leads_a_swarm(cluster: Cluster) -> None:
    """The manager leads a swarm."""
    assert found.role(cluster.manager) == "manager", why.not_leading(cluster.manager)


@check("swarm.manager_address", fix=swarm.initialise, needs=("swarm.initialised",), applies=has_a_fabric)
def test_swarm_was_begun_on_the_fabric(cluster: Cluster) -> None:
    """The swarm was begun on a fabric address of the manager."""
    assert found.address(cluster.manager) == cluster.swarm_address(cluster.manager), why.wrong_address(cluster.manager)


@check(
    "swarm.joined",
    fix=swarm.join,
    together="workers",
    needs=("swarm.initialised", "swarm.manager_address", "network.doors"),
)
def test_node_is_in_the_swarm(node: Node) -> None:
    """The node is in the manager's swarm."""
    assert found.membership(node) == "in the manager's swarm", why.not_joined(node)


@check(
    "swarm.distinct",
    needs=("swarm.joined",),
    remedy="on the clone: `docker swarm leave --force`, then run again with --fix",
)
def test_no_member_is_there_twice(cluster: Cluster) -> None:
    """No two nodes are one member of the swarm."""
    assert cluster.repeated(found.identities) == (), "two nodes have one identity: the disk of one was cloned"


@check(
    "swarm.ready",
    needs=("swarm.joined",),
    settles=members_settle,
    remedy="let the firewall pass 2377/tcp and 7946 on the fabric; if it does already, restart docker on this node",
)
def test_manager_hears_from_the_node(node: Node) -> None:
    """The manager hears from the node."""
    assert found.status(node) == "ready", why.not_heard(node)


@check(
    "swarm.managers",
    fix=swarm.promote_managers,
    needs=("swarm.ready",),
    settles=swarm_settles,
    applies=has_several_managers,
)
def test_swarm_outlives_its_leader(cluster: Cluster) -> None:
    """As many nodes as the inventory asks for keep the swarm's state."""
    assert found.not_managing(cluster) == (), "the swarm cannot be changed any more when its last manager is lost"


@check("swarm.active", fix=swarm.activate, needs=("swarm.joined",))
def test_node_takes_tasks(node: Node) -> None:
    """The node takes tasks."""
    assert found.availability(node) == "active", "somebody has drained or paused it, and it is given no task"


@check(
    "swarm.strangers",
    fix=swarm.remove_unlisted,
    needs=("swarm.joined",),
    settles=swarm_settles,
    remedy="add it to the inventory, or let --fix take it out with --allow remove-node",
)
def test_swarm_has_no_strangers(cluster: Cluster) -> None:
    """No member of the swarm is missing from the inventory."""
    assert found.strangers(cluster) == (), "the stack's tasks may be placed on a machine that nobody checks"


@check("swarm.address", fix=swarm.join, needs=("swarm.joined",), applies=has_a_fabric)
def test_node_is_known_by_a_fabric_address(node: Node) -> None:
    """The swarm knows the node by an address of the fabric."""
    assert found.address(node) == node.cluster.swarm_address(node), why.wrong_address(node)


@check(
    "swarm.certificate",
    needs=("swarm.ready",),
    threshold="swarm_certificate_percent",
    remedy="`docker swarm ca --rotate` on the manager renews all; where one has ended, leave the swarm and join again",
)
def test_certificate_is_renewed(node: Node) -> None:
    """The node's certificate is renewed in time."""
    assert node.swarm.certificate_percent >= node.cluster.thresholds.swarm_certificate_percent, (
        "docker has not renewed it as it should: when it ends, the node drops out of the swarm"
    )


@check(
    "swarm.gpu_advertised",
    needs=("swarm.ready",),
    applies=has_docker,
    settles=swarm_settles,
    remedy="restart docker on this node",
)
def test_node_offers_its_own_gpu(node: Node) -> None:
    """The node offers its own GPU to the swarm."""
    assert found.offers(node) == node.docker.offers, why.not_advertised(node)
