"""Reading ahead: each node is asked about one round of subjects after the other while the checks before are judged."""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from cluster.facts.base import Facts, unnoted
from cluster.node import Node

AHEAD = 4
"""So many rounds of a node are asked at a time, of which three may wait for a peer; sshd allows ten."""

PATIENCE_S = 1
"""So long nodes get to tell what they were asked when somebody interrupts the run."""

Round = Sequence[type[Facts]]


class ReadAhead:
    """Connects to each node and asks it, all at their own pace: one that hangs holds up only who needs its answer."""

    def __init__(self, nodes: Collection[Node], rounds: Iterable[Round], ask: Callable[[Round, Node], None]) -> None:
        """Begin; a round may rest on those before it, on any node, and none of its subjects on another one of it."""
        order = list(rounds)
        self._asked: dict[tuple[type[Facts], Node], Future[None]] = {}
        self._connected: list[tuple[Node, Future[None]]] = []
        self._pools: list[ThreadPoolExecutor] = []
        for node in nodes:
            node.will_connect()
        for node in nodes:
            pool = ThreadPoolExecutor(AHEAD)
            self._pools.append(pool)
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
        wait([asked])
        return True

    def cancel(self) -> None:
        """Ask nothing more."""
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """Ask nothing more, and wait for what was asked."""
        self.cancel()
        for pool in self._pools:
            pool.shutdown()

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
