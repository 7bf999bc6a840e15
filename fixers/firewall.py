"""Step 1: let the fabric through a firewall, when asked to."""

from collections.abc import Collection, Iterator

from cluster.node import Node
from engine.change import Change, Changes, Consent, Instruction, RunCommand, together


def open_to_the_fabric(node: Node) -> Changes:
    """Let peers accept what comes in on the fabric interfaces from the fabric's own subnets, and nothing else."""
    hosts = {door.host for door in node.doors.shut}
    yield together(_openings(peer, hosts) for peer in node.peers)


def _openings(peer: Node, hosts: Collection[str]) -> Iterator[Change]:
    for interface, address in peer.fabric.items():
        if str(address.ip) in hosts:
            yield _opening(peer, interface, str(address.network))


def _opening(peer: Node, interface: str, subnet: str) -> Change:
    opened = f"the firewall of {peer.name} lets all of {subnet} in on {interface}"
    if peer.doors.has_ufw:
        rule = f"allow in on {interface} from {subnet}"
        undo = f'added=$(ufw show added) || exit; case "$added" in *"{rule}"*) ufw delete {rule};; esac'
        # Before the others: the first that fits decides.
        add = f"ufw prepend {rule} comment 'Spark Runbook: fabric'"
        return RunCommand(peer, add, undo_command=undo, consent=Consent("open-firewall", opened))
    if peer.doors.filters:
        consent = Consent("open-firewall", f"{opened}, until it boots unless you save the rule")
        rule = f"INPUT -i {interface} -s {subnet} -m comment --comment 'Spark Runbook: fabric' -j ACCEPT"
        undo = f"! iptables -w -C {rule} 2>/dev/null || iptables -w -D {rule}"
        return RunCommand(peer, f"iptables -w -I {rule}", undo_command=undo, consent=consent)
    return Instruction(
        peer,
        f"let {peer.name} accept what comes in on {interface} from {subnet}: its iptables lets all in, so look at "
        "`nft list ruleset`, firewalld and the switch",
    )
