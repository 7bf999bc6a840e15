"""What keeps docker from running as a swarm needs it, as step 2 compares it."""

from cluster.node import Node

# Docker's own documentation of its storage drivers.
_SLOW_OR_GONE = frozenset({"vfs", "devicemapper", "aufs"})


def unsound_driver(node: Node) -> tuple[str, ...]:
    """Name the storage driver where it is one of those that copy every layer whole or are no longer kept up."""
    driver = node.docker.engine.driver
    return (driver,) if driver in _SLOW_OR_GONE else ()


def missing_addresses(node: Node) -> tuple[str, ...]:
    """List the addresses that the swarm on this node rests on and no interface has."""
    live = node.network.ips
    return tuple(host for host in node.daemon.swarm_state.hosts if host not in live and ":" not in host)


def live_restore(node: Node) -> tuple[str, ...]:
    """Say where live-restore is on: in daemon.json, in the docker that runs, or in both."""
    places = ["daemon.json"] if node.docker.settings.get("live-restore") else []
    if node.docker.active == "active" and node.docker.engine.live_restore:
        places.append("the docker that runs")
    return tuple(places)
