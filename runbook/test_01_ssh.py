"""Step 1, passwordless SSH: the nodes log in to each other."""

from cluster.cluster import SAME, Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import ssh
from runbook.causes import ssh as why
from runbook.conditions import has_a_fabric, has_peers
from runbook.found import ssh as found

pytestmark = step(1, "Configure network connectivity")


@check(
    "ssh.same_user",
    needs=("ssh.reachable",),
    applies=has_peers,
    warns=True,
    remedy="use one user name on all nodes, or set `workspace` to a directory that all of them can write to",
)
def test_user_is_the_same(cluster: Cluster) -> None:
    """The user is the same on all nodes."""
    assert cluster.drift(lambda node: node.login.user) == SAME, "paths in a home are not the same on all nodes"


@check("ssh.modes", fix=ssh.tighten_modes, needs=("ssh.sudo",), together="nodes")
def test_keys_are_closed_to_others(node: Node) -> None:
    """What SSH rests on is closed to others."""
    assert found.open_to_others(node) == (), (
        "ssh ignores a key that others may read, and sshd a home that they may write to"
    )


@check(
    "ssh.own_key",
    needs=("ssh.reachable",),
    applies=has_a_fabric,
    warns=True,
    remedy="make a key on each node with ssh-keygen, and take the shared one away",
)
def test_every_node_has_its_own_key(cluster: Cluster) -> None:
    """Every node has a private key of its own."""
    assert cluster.repeated(lambda node: node.ssh.private_keys) == (), (
        "one private key is on several nodes: whoever gets one node has them all"
    )


@check("ssh.mesh", fix=ssh.exchange_keys, needs=("network.frames", "ssh.modes"), applies=has_a_fabric)
def test_nodes_log_in_to_each_other(node: Node) -> None:
    """The node logs in to its peers by their fabric addresses, without a password or a question."""
    assert node.logins.closed == {}, why.not_let_in(node)
