"""Step 2: docker runs, starts at boot, and the user may use it."""

from collections.abc import Iterator

from cluster.node import Node
from engine.change import Change, Consent, RunCommand
from fixers.daemon import edit_settings, out_of_the_unit

RELOAD = "systemctl reload docker.service"


def start(node: Node) -> Iterator[Change]:
    """Start the service."""
    if node.docker.units["containerd.service"] == "masked":
        yield RunCommand(
            node, "systemctl unmask containerd.service", undo_command="systemctl mask --now containerd.service"
        )
    if node.docker.active != "active":
        # A service that failed too often is not tried again until that is forgotten.
        yield RunCommand(
            node,
            "systemctl reset-failed docker.service; systemctl start docker.service",
            undo_command="systemctl stop docker.service docker.socket",
            undo_asks="restart-docker",
            foreseeable=False,
            deadline_s=120,
        )


def unmask_socket(node: Node) -> Iterator[Change]:
    """Unmask the socket, without which the service does not start."""
    yield RunCommand(node, "systemctl unmask docker.socket", undo_command="systemctl mask docker.socket")


def enable(node: Node) -> Iterator[Change]:
    """Start the service at boot."""
    masked, wanted = node.docker.enabled == "masked", node.docker.wanted or node.docker.enabled == "enabled"
    if masked:
        yield RunCommand(node, "systemctl unmask docker.service", undo_command="systemctl mask docker.service")
    if not wanted:
        yield RunCommand(node, "systemctl enable docker.service", undo_command="systemctl disable docker.service")


def add_user_to_group(node: Node) -> Iterator[Change]:
    """Put the user into the group docker and take a session that knows it."""
    user = node.login.user
    if "docker" not in node.docker.groups:
        leave = f"if id -nG {user} | grep -qw docker; then gpasswd -d {user} docker; fi"
        # usermod knows no user of a directory service: it looks for them in /etc/passwd alone.
        yield RunCommand(node, f"gpasswd -a {user} docker", undo_command=leave, reconnect=True)
    elif "docker" not in node.docker.session_groups:
        yield RunCommand(node, "true", root=False, reconnect=True)


def end_live_restore(node: Node) -> Iterator[Change]:
    """Switch live-restore off, when asked to: whoever switched it on wanted containers to outlive the daemon."""
    consent = Consent("end-live-restore", f"containers on {node.name} no longer outlive a docker that stops")
    if "live-restore" in node.daemon.flags:
        yield out_of_the_unit(node, "live-restore", "a swarm forbids it")
        return
    runs = node.docker.active == "active"
    yield edit_settings(
        node,
        lambda settings: {name: value for name, value in settings.items() if name != "live-restore"},
        taken_up_by=RELOAD if runs else None,
        consent=consent,
    )
    if runs:
        yield RunCommand(node, RELOAD, takes_up=True, consent=consent)
