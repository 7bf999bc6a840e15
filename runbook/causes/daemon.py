"""Why the node's GPU is not offered as it has to be: daemon.json, config.toml, and what docker has taken up of them."""

from cluster.errors import ClusterError
from cluster.facts.swarm import GPU_KIND, SWARM_RESOURCE
from cluster.node import Node
from fixers.daemon import wanted_offers


def not_registered(node: Node) -> str:
    """Say what is missing for the runtime to be known."""
    others = ", ".join(node.docker.runtimes)
    beside = f"; it registers {others}" if others else ""
    return (
        f"daemon.json registers no runtime nvidia{beside}: docker would say `unknown or invalid runtime name: nvidia`"
    )


def no_program(node: Node) -> str:
    """Tell a program that is gone from one that is yet to be registered."""
    if not node.docker.nvidia_runtime:
        return "none is registered yet"
    return "no such program: every container fails to start"


def not_offered(node: Node) -> str:
    """Tell a GPU that is missing from the offer from one that is not this node's."""
    own = set(node.gpu.uuids)
    told = [one.partition("=")[2] for one in node.docker.offers if one.startswith(f"{GPU_KIND}=")]
    strangers = [uuid for uuid in told if uuid not in own]
    if not told:
        return f"daemon.json offers no {GPU_KIND}: the swarm cannot hand out this node's GPU"
    if not strangers:
        missing = ", ".join(set(wanted_offers(node)) - set(node.docker.offers)) or "one GPU twice"
        return f"daemon.json does not offer every GPU of this node once: {missing}"
    owners = [peer.name for peer in node.peers if set(strangers) & set(_uuids(peer))]
    if owners:
        return f"daemon.json offers the GPU of {owners[0]}: the file was copied from there"
    return f"daemon.json offers {', '.join(strangers)}, which no node has: sample text, or a GPU that was replaced"


def _uuids(node: Node) -> tuple[str, ...]:
    try:
        return node.gpu.uuids
    except ClusterError:
        return ()  # of a node that does not tell its GPUs none can be recognised


def not_heeded(node: Node) -> str:
    """Say which name stands in config.toml instead of the one that swarm sets."""
    found = ", ".join(node.toolkit.swarm_resources)
    if not found:
        return "swarm-resource is commented out: the runtime hands every GPU to everybody, whatever swarm assigns"
    return f"swarm sets {SWARM_RESOURCE}, the runtime looks for {found}: what swarm assigns is not heeded"


def not_in_force(node: Node) -> str:
    """Name what the running docker has otherwise than daemon.json."""
    wanted, running = node.docker.configured, node.docker.in_force
    differs = [name for name in wanted if wanted[name] != running[name]]
    return f"docker was not restarted since daemon.json was written: it still has the old {' and '.join(differs)}"
