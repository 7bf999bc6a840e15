"""Why the cluster is not one swarm on its fabric."""

from ipaddress import ip_address

from cluster.facts.swarm import PORT
from cluster.node import Node
from runbook.found.swarm import member_of


def not_leading(node: Node) -> str:
    """Say what the manager of the inventory is instead of leading the swarm."""
    swarm = node.docker.engine.swarm
    if swarm.state == "active":
        ours = _leading_nodes(node)
        advice = ": give that node `role: manager` in the inventory, or let this one leave" if ours else ""
        return f"{node.name} is a worker of the swarm led by {_leaders(node)}{advice}"
    return not_active(node)


def not_active(node: Node) -> str:
    """Say why a node is in no swarm, or in one that does not work."""
    swarm = node.docker.engine.swarm
    match swarm.state:
        case "inactive":
            return f"{node.name} is in no swarm"
        case "locked":
            return f"the swarm on {node.name} is locked since docker was restarted: it takes the unlock key"
        case "pending":
            return f"{node.name} still tries to join {_leaders(node)}: address, firewall (port {PORT}) or clock"
        case state:
            return f"the swarm on {node.name} is in state {state or 'none'}: {swarm.error or 'docker does not say why'}"


def _leading_nodes(node: Node) -> list[str]:
    """Name the peers that are managers of the swarm a node is in."""
    addresses = {peer.address.rpartition(":")[0] for peer in node.docker.engine.swarm.managers or ()}
    return [peer.name for peer in node.peers if addresses & peer.network.ips]


def _leaders(node: Node) -> str:
    """Name the managers of the swarm a node is in: nodes by name, others by address."""
    addresses = [peer.address.rpartition(":")[0] for peer in node.docker.engine.swarm.managers or ()]
    return " and ".join(_leading_nodes(node) or addresses) or "a manager that it does not name"


def not_joined(node: Node) -> str:
    """Say which swarm a node is in instead of the manager's."""
    swarm = node.docker.engine.swarm
    if swarm.state != "active":
        return not_active(node)
    if node.cluster.manager.name in _leading_nodes(node):
        ours = f"{node.name} believes that it is in the manager's swarm"
        return f"{ours}, which has removed it or has been begun anew since"
    return f"{node.name} is in the swarm led by {_leaders(node)}, not in that of {node.cluster.manager.name}"


def not_heard(node: Node) -> str:
    """Say what the manager misses of a node that takes itself for active."""
    member = member_of(node)
    said = f" ({member.message})" if member and member.message else ""
    unheard = f"the manager does not hear from {node.name}{said}, although that node considers itself active"
    return f"{unheard}: check port {PORT} and its clock"


def wrong_address(node: Node) -> str:
    """Say which network the swarm takes instead of the fabric."""
    address = node.docker.engine.swarm.address
    if not address:
        return "docker does not tell by which address the swarm knows this node"
    if ip_address(address).is_link_local:
        return f"{address} is link-local: it changes, and the others may not reach it"
    for name, link in node.network.links.items():
        if address in [str(one.ip) for one in link.addresses]:
            return f"{address} is the address of {name}, so the swarm's traffic does not take the fabric"
    return f"{address} is on no interface of {node.name}"


def not_advertised(node: Node) -> str:
    """Say what the swarm has on record instead of this node's GPU."""
    member = member_of(node)
    if not member or not member.offers:
        return "the swarm has no GPU on record for this node: docker was not restarted since daemon.json was written"
    holders = [peer.name for peer in node.peers if set(member.offers) & set(peer.docker.offers)]
    if holders:
        return f"the swarm has the GPU of {holders[0]} on record for this node"
    return "the swarm has an old resource on record: docker was not restarted since daemon.json was written"
