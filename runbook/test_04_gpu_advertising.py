"""Step 4: every node offers its own GPU, and no other, to the swarm."""

from cluster.facts.swarm import SWARM_RESOURCE
from cluster.node import Node
from engine.check import check, step
from fixers import daemon
from runbook.causes import daemon as why
from runbook.conditions import has_docker, offers_to_a_swarm

pytestmark = step(4, "Enable resource advertising")


@check(
    "gpu.offered",
    fix=daemon.offer_gpus,
    together="nodes",
    needs=("ssh.sudo", "gpu.present", "gpu.mig", "docker.running"),
    applies=offers_to_a_swarm,
)
def test_daemon_offers_own_gpu(node: Node) -> None:
    """daemon.json offers this node's own GPU, by its UUID."""
    assert node.docker.offers == daemon.wanted_offers(node), why.not_offered(node)


@check(
    "gpu.default_runtime",
    fix=daemon.make_default,
    together="nodes",
    needs=("toolkit.registered",),
    applies=offers_to_a_swarm,
)
def test_nvidia_is_the_default_runtime(node: Node) -> None:
    """daemon.json makes nvidia the default runtime."""
    assert node.docker.default_runtime == "nvidia", "swarm cannot name a runtime: it takes the default"


@check(
    "gpu.swarm_resource",
    fix=daemon.name_swarm_resource,
    together="nodes",
    needs=("toolkit.settings_valid", "gpu.offered"),
    applies=offers_to_a_swarm,
)
def test_swarm_resource_matches(node: Node) -> None:
    """The runtime heeds the variable by which swarm hands out GPUs."""
    assert SWARM_RESOURCE in node.toolkit.swarm_resources, why.not_heeded(node)


@check(
    "gpu.in_force",
    fix=daemon.restart,
    needs=("toolkit.registered_path", "gpu.offered", "gpu.default_runtime", "gpu.swarm_resource"),
    applies=has_docker,
    due_after=("toolkit.registered", "toolkit.registered_path", "gpu.offered", "gpu.default_runtime"),
    together="quorum",
)
def test_docker_has_taken_it_up(node: Node) -> None:
    """The running docker has taken up daemon.json."""
    assert node.docker.in_force == node.docker.configured, why.not_in_force(node)
