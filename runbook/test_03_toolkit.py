"""Step 3: the NVIDIA Container Toolkit is there, and docker knows its runtime."""

from cluster.cluster import SAME, Cluster
from cluster.node import Node
from engine.check import check, step
from fixers import daemon, toolkit
from runbook.causes import daemon as why
from runbook.conditions import has_peers
from runbook.found import toolkit as found

pytestmark = step(3, "Install NVIDIA Container Toolkit")


@check("toolkit.installed", fix=toolkit.install, needs=("ssh.sudo",), together="nodes")
def test_runtime_is_installed(node: Node) -> None:
    """The NVIDIA container runtime is installed."""
    assert node.toolkit.runtime != "", "nvidia-container-runtime is not on the path: the toolkit is not installed"


@check("toolkit.version", fix=toolkit.install, needs=("toolkit.installed",), together="nodes")
def test_toolkit_is_new_enough(node: Node) -> None:
    """The toolkit is new enough to heed swarm's resources."""
    assert node.toolkit.version >= toolkit.OLDEST, "before 1.19 the runtime may ignore which GPU swarm hands out"


@check(
    "toolkit.same_version",
    needs=("toolkit.version",),
    applies=has_peers,
    warns=True,
    remedy="`sudo apt-get install nvidia-container-toolkit` on the node that is behind",
)
def test_toolkit_is_the_same(cluster: Cluster) -> None:
    """All nodes have the same version of the toolkit."""
    assert cluster.drift(lambda node: node.toolkit.version) == SAME, "containers may get their GPU in different ways"


@check(
    "toolkit.settings_valid",
    needs=("toolkit.installed",),
    remedy="correct /etc/nvidia-container-runtime/config.toml there: no container starts while it is broken",
)
def test_toolkit_settings_are_valid(node: Node) -> None:
    """The runtime's config.toml can be read."""
    assert node.toolkit.fault == "", "config.toml is no TOML, and the runtime starts no container with it"


@check(
    "toolkit.mode",
    needs=("toolkit.settings_valid",),
    remedy='set mode = "auto" in /etc/nvidia-container-runtime/config.toml',
)
def test_toolkit_mode_is_for_this_machine(node: Node) -> None:
    """The runtime is in a mode that hands out the GPUs of such a machine."""
    assert found.foreign_mode(node) == (), "another mode (csv is for Jetson) gives containers no GPU here"


@check(
    "toolkit.registered",
    fix=daemon.register_runtime,
    together="nodes",
    needs=("ssh.sudo", "toolkit.installed", "docker.settings_valid"),
)
def test_runtime_is_registered(node: Node) -> None:
    """The NVIDIA runtime is registered in daemon.json."""
    assert "nvidia" in node.docker.runtimes, why.not_registered(node)


@check("toolkit.registered_path", fix=daemon.register_runtime, needs=("toolkit.registered",), together="nodes")
def test_registered_runtime_is_there(node: Node) -> None:
    """The program that is registered as the NVIDIA runtime is there."""
    assert node.docker.nvidia_runtime in node.daemon.runtime_programs, why.no_program(node)
