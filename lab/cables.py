"""Which interfaces have carrier: cables that are plugged, between nodes that are on."""

from dataclasses import dataclass, field

from lab.addresses import CABLED, FABRIC, MANAGEMENT


def _plugged_at_first(nodes: int) -> set[tuple[int, str]]:
    return {(number, interface) for number in range(1, nodes + 1) for interface in (MANAGEMENT, *CABLED)}


@dataclass
class Cables:
    """The state of every cable of a lab.

    Two nodes are joined by cables, so an end without a powered peer is dark; three or more hang on a switch, which
    gives carrier to whatever is plugged into it. The management network is always a switch.

    Attributes:
        nodes: how many nodes there are.
        plugged: the (node number, interface) pairs with a cable in them.
        powered: the numbers of the nodes that are on.
    """

    nodes: int
    plugged: set[tuple[int, str]] = field(default_factory=set)
    powered: set[int] = field(default_factory=set)

    @classmethod
    def new(cls, nodes: int) -> "Cables":
        """The cabling of the playbook: one cable, in port 1, and all nodes off."""
        return cls(nodes, _plugged_at_first(nodes))

    def carrier(self, number: int, interface: str) -> bool:
        """Whether an interface of a powered node sees carrier."""
        if number not in self.powered or (number, interface) not in self.plugged:
            return False
        if interface == MANAGEMENT or self.nodes > 2:
            return True
        return any((peer, interface) in self.plugged for peer in self.powered if peer != number and interface in FABRIC)
