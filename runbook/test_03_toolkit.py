"""Step 3: the NVIDIA Container Toolkit is there, and docker knows its runtime."""

from packaging.version import Version

from cluster.node import Node
from engine.check import check, step
from fixers import daemon

pytestmark = step(3, "Install NVIDIA Container Toolkit")

# 1.18 with jit-cdi ignores swarm-resource: nvidia-container-toolkit's own change log.
OLDEST = Version("1.19")


@check("toolkit.installed", remedy="install nvidia-container-toolkit as NVIDIA's installation guide says")
def test_runtime_is_installed(node: Node) -> None:
    """The NVIDIA container runtime is installed."""
    assert node.toolkit.runtime != "", "nvidia-container-runtime is not on the path: the toolkit is not installed"


@check("toolkit.version", needs=("toolkit.installed",), remedy="sudo apt-get install nvidia-container-toolkit")
def test_toolkit_is_new_enough(node: Node) -> None:
    """The toolkit is new enough to heed swarm's resources."""
    assert node.toolkit.version >= OLDEST, "before 1.19 the runtime ignores which GPU swarm hands out"


@check("toolkit.registered", fix=daemon.register_runtime, needs=("ssh.sudo", "toolkit.installed"))
def test_runtime_is_registered(node: Node) -> None:
    """The NVIDIA runtime is registered in daemon.json."""
    assert "nvidia" in node.docker.configured_runtimes, "docker would say: unknown or invalid runtime name: nvidia"
