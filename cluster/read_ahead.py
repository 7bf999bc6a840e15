"""Reading ahead: each node is asked about one round of subjects after the other while the checks before are judged."""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from cluster.facts.base import Facts, unnoted
from cluster.node import Node

AHEAD = 4
"""So many rounds of a node are asked at a time, of which three may wait for a peer; sshd allows ten."""

WAKE_S = 0.2
"""So often who waits for an answer looks whether it is still going to come."""

PATIENCE_S = 1
"""So long nodes get to tell what they were asked when somebody interrupts the run."""

Round = Sequence[type[Facts]]


class ReadAhead:
    """Asks each node, connected to before if need be, at its own pace: one that hangs holds up only who needs it."""

    def __init__(
        self, nodes: Collection[Node], rounds: Iterable[Round], ask: Callable[[Round, Node], None], *, connect: bool
    ) -> None:
        """Begin to ask; a round may use what any node said in earlier ones, and no subject another of its own round."""
        order = list(rounds)
        self._asked: dict[tuple[type[Facts], Node], Future[None]] = {}
        self._connected: list[tuple[Node, Future[None]]] = []
        self._pools: dict[Node, ThreadPoolExecutor] = {}
        for node in nodes if connect else ():
            node.will_connect()
        for node in nodes:
            # What does not connect asks nothing that waits for a peer, and what is needed first shall come first.
            pool = self._pools[node] = ThreadPoolExecutor(AHEAD if connect else 1)
            if connect:
                self._connected.append((node, pool.submit(node.connect)))
            for kinds in order:
                asked = pool.submit(_unnoted, ask, kinds, node)
                self._asked.update({(kind, node): asked for kind in kinds})
            # Its threads end with the last round.
            pool.shutdown(wait=False)

    def wait_for(self, kind: type[Facts], node: Node) -> bool:
        """Wait until a node has been asked about a subject; False where there is nothing to wait for."""
        asked = self._asked.get((kind, node))
        if asked is None or asked.done():
            return False
        while not asked.done():
            # One that is cancelled before it was asked wakes nobody.
            wait([asked], timeout=WAKE_S)
        return not asked.cancelled()

    def cancel(self) -> None:
        """Ask nothing more."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def stop(self, nodes: Collection[Node]) -> None:
        """Ask nothing more, and wait for what those nodes were asked."""
        self.cancel()
        for node in self._pools.keys() & set(nodes):
            self._pools[node].shutdown()

    def give_up(self) -> None:
        """Ask nothing more, and wait no longer for nodes that do not answer soon."""
        self.cancel()
        asked = [*self._connected, *((node, asked) for (_, node), asked in self._asked.items())]
        wait([one for _, one in asked], timeout=PATIENCE_S)
        for node in {node for node, one in asked if not one.done()}:
            node.connection.give_up()


def _unnoted(ask: Callable[[Round, Node], None], kinds: Round, node: Node) -> None:
    with unnoted():
        ask(kinds, node)
