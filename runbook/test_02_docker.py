"""Step 2: docker runs on every node, and the user may use it."""

from cluster.node import Node
from engine.check import check, step
from fixers import docker

pytestmark = step(2, "Configure Docker permissions")


@check("docker.enabled", fix=docker.enable, needs=("ssh.sudo",))
def test_docker_starts_at_boot(node: Node) -> None:
    """Docker starts at boot."""
    assert node.docker.enabled == "enabled", "after a reboot there would be no docker, and no swarm"


@check("docker.running", fix=docker.start, needs=("ssh.sudo", "docker.enabled"))
def test_docker_runs(node: Node) -> None:
    """Docker runs."""
    assert node.docker.active == "active", "the service is stopped or failed: `journalctl -u docker` says why"


@check("docker.usable", fix=docker.let_user_in, needs=("docker.running",))
def test_user_may_use_docker(node: Node) -> None:
    """The user may use docker without sudo, in a new session."""
    assert node.docker.usable == "yes", "the user is not in the group docker, or the session is older than that"
