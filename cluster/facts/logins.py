"""Step 1: whether a node's own SSH gets it into its peers over the fabric."""

from shlex import quote
from typing import TYPE_CHECKING

from cluster.facts.base import Facts, fact
from cluster.facts.parse import by_address

if TYPE_CHECKING:
    from cluster.node import Node

_LOGINS_AT_ONCE = 4
"""sshd turns callers away when ten have yet to prove who they are (MaxStartups 10:30:100), and all nodes call."""

_LOGIN_S = 8
"""ConnectTimeout ends once the peer has answered at all; where large packets are lost, it falls silent after that."""

_ALL_OF = 16
"""Of more peers a node calls some, and the manager all: all calling all would cost the square of their number."""

# No file of the node is written: no key is asked for, none is learned. Nor is a connection that somebody keeps open
# taken for one that opens, or one left behind. Of what ssh says errors alone are heard, also where somebody's own
# configuration keeps it quiet: what else it says, such as the peer's banner, gives no reason.
_SSH = (
    "ssh -n -o BatchMode=yes -o ConnectTimeout=4 -o StrictHostKeyChecking=yes -o UpdateHostKeys=no "
    "-o ControlMaster=no -o ControlPath=none -o LogLevel=ERROR"
)


def _called(node: "Node") -> "list[Node]":
    """Choose whom a node calls: all, or of many the manager and those 1, 2, 4, 8 ... places after it.

    So each is called by as many others, and from the manager, where launchers such as mpirun start.
    """
    # Every node begins with the one after it, or all would call the first together.
    after = sorted(node.peers, key=lambda peer: (peer.rank < node.rank, peer.rank))
    if len(after) <= _ALL_OF or node is node.cluster.manager:
        return after
    return [peer for place, peer in enumerate(after, 1) if place & (place - 1) == 0 or peer is node.cluster.manager]


def _logins(node: "Node") -> str:
    addresses = node.fabric_of_peers
    destinations = [
        f"{peer.login.user}@{address.ip}:{peer.login.port}"
        for peer in _called(node)
        if peer.trouble is None
        for address in addresses[peer].values()
    ]
    batches = (destinations[start : start + _LOGINS_AT_ONCE] for start in range(0, len(destinations), _LOGINS_AT_ONCE))
    rounds = " ".join(quote(" ".join(batch)) for batch in batches)
    if not rounds:
        return "true"
    return f"""\
for round in {rounds}; do
  for destination in $round; do
    {{
      host=${{destination%:*}}
      said=$(timeout {_LOGIN_S} {_SSH} -p "${{destination##*:}}" -- "$host" true 2>&1)
      status=$?
      case $status in
        0) why=open;;
        124) why="it answered, and fell silent";;
        *) why=$(echo "$said" | tail -n 1);;
      esac
      echo "${{host##*@}} ${{why:-ssh ended with $status and said nothing}}"
    }} &
  done
  wait
done"""


class LoginFacts(Facts):
    """By the peers' fabric addresses: `open`, or ssh's own words."""

    about_peers = True

    logins: dict[str, str] = fact(_logins, by_address, timeout_s=40)

    @property
    def closed(self) -> dict[str, str]:
        """The peers' addresses that do not let us in, with ssh's own words."""
        return {address: answer for address, answer in self.logins.items() if answer != "open"}
