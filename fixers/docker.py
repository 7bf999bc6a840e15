"""Step 2: docker runs, starts at boot, and the user may use it."""

from collections.abc import Iterator

from cluster.node import Node
from engine.change import Change, RunCommand


def start(node: Node) -> Iterator[Change]:
    """Start the service."""
    if node.docker.active != "active":
        yield RunCommand(
            node, "systemctl start docker.service", undo_command="systemctl stop docker.service docker.socket"
        )


def enable(node: Node) -> Iterator[Change]:
    """Start the service at boot."""
    if node.docker.enabled == "masked":
        yield RunCommand(node, "systemctl unmask docker.service", undo_command="systemctl mask docker.service")
    if node.docker.enabled != "enabled":
        yield RunCommand(node, "systemctl enable docker.service", undo_command="systemctl disable docker.service")


def let_user_in(node: Node) -> Iterator[Change]:
    """Put the user into the group docker and take a session that knows it."""
    user = node.login.user
    if "docker" not in node.docker.groups:
        leave = f"if id -nG {user} | grep -qw docker; then gpasswd -d {user} docker; fi"
        yield RunCommand(node, f"usermod -aG docker {user}", undo_command=leave, reconnect=True)
    elif node.docker.usable != "yes":
        yield RunCommand(node, "true", root=False, reconnect=True)
