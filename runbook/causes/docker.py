"""Why docker does not run, or not for us."""

from cluster.node import Node
from engine.naming import with_verb


def not_at_boot(node: Node) -> str:
    """Say why docker would be away after a reboot."""
    match node.docker.enabled:
        case "masked":
            return "docker.service is masked: nothing can start it"
        case "not-found":
            return "systemd knows no docker.service: docker was installed as a snap, rootless, or not as a package"
        case state:
            return f"docker.service is {state}: after a reboot there would be no docker, and no swarm"


def bad_settings(node: Node) -> str:
    """Say where daemon.json is no JSON, or what dockerd refuses in it."""
    if node.daemon.json_fault:
        return f"daemon.json is no JSON at {node.daemon.json_fault}; docker does not start with it"
    return f"daemon.json is refused: {node.daemon.refusal}; docker does not start with it"


def set_twice(node: Node) -> str:
    """Name the directives that dockerd is told in two places."""
    told = with_verb(node.daemon.twice, "stands", "stand")
    return f"{told} in daemon.json and on dockerd's command line in docker.service: docker refuses to start"


def not_running(node: Node) -> str:
    """Say in docker's own last words why it does not run."""
    if node.docker.units["containerd.service"] == "masked":
        return "containerd.service, which runs docker's containers, is masked: docker does not start without it"
    if node.docker.active == "inactive":
        return "the service was stopped, or never started since boot"
    if not node.daemon.last_words:
        return f"the service is {node.docker.active}, and docker's log does not say why"
    return f"the service is {node.docker.active}; docker's last words: {node.daemon.last_words}"


def not_usable(node: Node) -> str:
    """Say what keeps the user away from docker's socket."""
    user = node.login.user
    if "docker" not in node.docker.groups:
        return f"{user} is not in the group docker"
    if "docker" not in node.docker.session_groups:
        return f"{user} is in the group docker, but this session is older than that: a new login knows it"
    return f"{user} is in the group docker, and still: {node.docker.usable}"
