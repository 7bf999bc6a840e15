"""Step 4: every node has its GPU and offers that one, and no other, to the swarm."""

from cluster.cluster import Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import daemon
from runbook.causes import daemon as why

pytestmark = step(4, "Enable resource advertising")


@check("gpu.answers", remedy="reboot the node; if nvidia-smi still fails, reinstall the driver")
def test_nvidia_smi_works(node: Node) -> None:
    """nvidia-smi works."""
    assert node.gpu.health == "answers", "the driver does not answer: not loaded, or updated without a reboot"


@check("gpu.present", needs=("gpu.answers",), remedy="power the node off for a minute; if it stays away, call support")
def test_gpu_is_there(node: Node) -> None:
    """The node has a GPU."""
    assert node.gpu.uuids != (), "the driver finds no GPU"


@check(
    "gpu.cool",
    needs=("gpu.present",),
    threshold="gpu_temperature_c",
    remedy="clear the air vents and let it cool down",
)
def test_gpu_is_cool(node: Node) -> None:
    """The GPU is cool enough to work at full speed."""
    assert node.gpu.hottest_c <= node.cluster.inventory.thresholds.gpu_temperature_c, "it will slow itself down"


@check("gpu.distinct", needs=("gpu.present",), remedy="find the node that tells another's UUID; was its disk cloned?")
def test_gpus_are_distinct(cluster: Cluster) -> None:
    """No two nodes have the same GPU."""
    assert cluster.repeated(lambda node: node.gpu.uuids) == (), "one UUID is on two nodes"


@check("gpu.offered", fix=daemon.offer_gpus, needs=("ssh.sudo", "gpu.present", "docker.running"))
def test_daemon_offers_own_gpu(node: Node) -> None:
    """daemon.json offers this node's own GPU, by its UUID."""
    assert node.docker.configured["offers"] == daemon.offered(node), why.not_offered(node)


@check("gpu.default_runtime", fix=daemon.make_default, needs=("toolkit.registered",))
def test_nvidia_is_the_default_runtime(node: Node) -> None:
    """daemon.json makes nvidia the default runtime."""
    assert node.docker.configured["default runtime"] == "nvidia", "swarm cannot name a runtime: it takes the default"


@check("gpu.swarm_resource", fix=daemon.name_swarm_resource, needs=("toolkit.installed", "gpu.offered"))
def test_swarm_resource_matches(node: Node) -> None:
    """The runtime heeds the variable by which swarm hands out GPUs."""
    assert node.toolkit.swarm_resource == daemon.SWARM_RESOURCE, why.not_heeded(node)


@check("gpu.in_force", fix=daemon.restart, needs=("gpu.offered", "gpu.default_runtime", "gpu.swarm_resource"))
def test_docker_has_taken_it_up(node: Node) -> None:
    """The running docker has taken up daemon.json."""
    assert node.docker.in_force == node.docker.configured, why.not_in_force(node)
