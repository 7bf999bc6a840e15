"""Step 1: whether a node's own SSH gets it into its peers over the fabric."""

from typing import TYPE_CHECKING

from cluster.facts.base import Facts, fact
from cluster.facts.parse import by_address

if TYPE_CHECKING:
    from cluster.node import Node

_LOGINS_AT_ONCE = 4
"""sshd turns callers away when ten have yet to prove who they are (MaxStartups 10:30:100), and all nodes call."""

_LOGIN_S = 8
"""ConnectTimeout ends once the peer has answered at all; where large packets are lost, it falls silent after that."""

# No file of the node is written: no key is asked for, none is learned.
_SSH = "ssh -n -o BatchMode=yes -o ConnectTimeout=4 -o StrictHostKeyChecking=yes -o UpdateHostKeys=no"


def _logins(node: "Node") -> str:
    plan, peers = node.cluster.fabric, node.cluster.peers(node)
    doors = [
        (peer.login.user, address.ip)
        # Every node begins with the one after it, or all would call the first together.
        for peer in sorted(peers, key=lambda peer: (peer.rank < node.rank, peer.rank))
        if peer.trouble is None
        for address in plan.of(peer.name).values()
    ]
    each = [
        f"(said=$(timeout {_LOGIN_S} {_SSH} {user}@{ip} true 2>&1); case $? in 0) echo {ip} open;;"
        f' 124) echo {ip} it answered, and fell silent;; *) echo {ip} "$(echo "$said" | tail -n 1)";; esac) &\n'
        for user, ip in doors
    ]
    batches = (each[start : start + _LOGINS_AT_ONCE] for start in range(0, len(each), _LOGINS_AT_ONCE))
    return "".join("".join(batch) + "wait\n" for batch in batches) or "true"


class LoginFacts(Facts):
    """By the peers' fabric addresses: `open`, or ssh's own words."""

    about_peers = True

    logins: dict[str, str] = fact(_logins, by_address, timeout_s=40)

    @property
    def closed(self) -> dict[str, str]:
        """The peers' addresses that do not let us in, with ssh's own words."""
        return {address: answer for address, answer in self.logins.items() if answer != "open"}
