"""The cluster: all nodes, asked at once."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from cluster.asking import ask
from cluster.connection import Connection
from cluster.errors import UnknownFact
from cluster.fabric import FabricPlan, plan_fabric
from cluster.facts.base import Facts
from cluster.facts.swarm import SwarmNode
from cluster.inventory import Inventory, NodeEntry
from cluster.local import LocalConnection
from cluster.node import Node
from cluster.read_ahead import ReadAhead, Round
from cluster.ssh import SshConnection
from cluster.ssh_target import ssh_target
from cluster.threads import on_each
from cluster.thresholds import Thresholds

T = TypeVar("T")

SAME = "the same on all nodes"


class Cluster:
    """The nodes of an inventory in the order of their ranks, the manager first."""

    def __init__(
        self, inventory: Inventory, *, become_password: str | None = None, only: frozenset[str] | None = None
    ) -> None:
        """Build the nodes, or `only` some with the ranks that they have among all; nothing is connected yet."""
        self.inventory = inventory
        self.become_password = become_password
        self.program: tuple[str, ...] | None = None
        """The files in the workspace that are ours, by their path there, where that is known: no others are read."""
        self.tell: Callable[[str], None] = lambda _: None
        self.changed_at: float | None = None
        """When something was last changed from here, in seconds since 1970."""
        self.locked = False
        """Whether we hold the lock: it lives by the connections, so none is opened anew; files are read every time."""
        self.lock_again: Callable[[Node], None] = lambda _: None
        """Sees to the lock on a node whose connection was opened anew all the same."""
        self.see_locked: Callable[[Node], None] = lambda _: None
        """Refuses to change a node on which our lock has ended."""
        self._planned: tuple[Any, FabricPlan] | None = None
        """The fabric last planned, and from what."""
        self._ahead: ReadAhead | None = None
        entries = [inventory.manager, *(node for node in inventory.nodes if node is not inventory.manager)]
        self.nodes = tuple(
            Node(entry.name, entry.address or entry.name, rank, self._connection(entry), self)
            for rank, entry in enumerate(entries)
            if only is None or entry.name in only
        )
        self._ranks = [entry.name for entry in entries]

    def _connection(self, entry: NodeEntry) -> Connection:
        if self.inventory.local:
            return LocalConnection()
        return SshConnection(ssh_target(entry, self.inventory.ssh))

    def __getitem__(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    @property
    def size(self) -> int:
        """How many nodes there are; also the world size, one process a node."""
        return len(self.nodes)

    @property
    def manager(self) -> Node:
        """The node that leads the swarm and is rank 0; with `--limit`, the first that is looked at."""
        return self.nodes[0]

    @property
    def reached(self) -> list[Node]:
        """The nodes that answer."""
        return [node for node in self.nodes if node.trouble is None]

    @property
    def thresholds(self) -> Thresholds:
        """The limits that checks hold it to."""
        return self.inventory.thresholds

    @property
    def deadline_s(self) -> float:
        """How long a command may take unless it says otherwise, in seconds."""
        return self.inventory.ssh.command_timeout_s

    @property
    def fabric(self) -> FabricPlan:
        """The fabric addresses as they have to be: those that are right already, and new ones where they are not.

        A node that fell silent after it told of its links has its place in the plan still.
        """
        heard = {node: node.network for node in self.nodes}
        # Only now: what a node told, or that it hangs, is known once it has been waited for.
        known = {node.name: facts for node, facts in heard.items() if node.trouble is None or facts.answered}
        ports_count = self.inventory.fabric.interfaces == "auto"
        # Read every time, planned once: a check that rests on the plan rests on what it was made of.
        seen = [(name, facts.links, facts.ports if ports_count else None) for name, facts in known.items()]
        if self._planned is None or self._planned[0] != seen:
            self._planned = (seen, plan_fabric(known, self.inventory.fabric, self._ranks))
        return self._planned[1]

    @property
    def rendezvous(self) -> str:
        """The address by which all nodes reach the manager, of the swarm and of rank 0.

        Raises:
            UnknownFact: No interface is up on all nodes, so the manager gets no fabric address.
        """
        if self.size == 1:
            return "127.0.0.1"
        return self.fabric_address(self.manager)

    def fabric_address(self, node: Node) -> str:
        """The address by which the others reach a node over the fabric.

        Raises:
            UnknownFact: No interface is up on all nodes.
        """
        found = self.fabric.main(node.name)
        if found is None:
            raise UnknownFact(f"no fabric address can be planned for {node.name}: no interface is up on all nodes")
        return str(found)

    def swarm_address(self, node: Node) -> str:
        """The fabric address by which the swarm has to know a node: the one that it knows, else the node's first.

        Raises:
            UnknownFact: No interface is up on all nodes.
        """
        known = node.docker.engine.swarm.address
        planned = [str(address.ip) for address in node.fabric.values()]
        return known if known in planned else self.fabric_address(node)

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes' names in order of rank."""
        return tuple(node.name for node in self.nodes)

    @property
    def workspace(self) -> str:
        """The directory on every node that the containers see as /workspace."""
        return self.inventory.workspace or f"{self.manager.login.home}/spark-runbook"

    @property
    def model_cache(self) -> str:
        """The directory on every node that keeps downloaded models."""
        return f"{self.manager.login.home}/.cache/huggingface"

    @property
    def bind_sources(self) -> tuple[str, ...]:
        """All directories that containers see, which docker swarm does not make by itself."""
        return (self.workspace, self.model_cache, *(mount.source for mount in self.inventory.mounts))

    @property
    def strangers(self) -> tuple[SwarmNode, ...]:
        """The members of the swarm that could be given tasks and are not in the inventory."""
        own = {node.docker.engine.swarm.node_id for node in self.nodes}
        return self.manager.swarm.strangers(own, {node.machine.hostname for node in self.nodes})

    def drift(self, of: Callable[[Node], object]) -> str:
        """Compare something between the nodes: SAME, or what each of them has."""
        found = {node.name: of(node) for node in self.nodes}
        if len({repr(value) for value in found.values()}) <= 1:
            return SAME
        return "; ".join(f"{name}: {value}" for name, value in found.items())

    def repeated(self, of: Callable[[Node], Iterable[object]]) -> tuple[str, ...]:
        """Find values that must be unique and are not, each with the nodes that have it."""
        holders: dict[str, list[str]] = {}
        for node in self.nodes:
            for value in of(node):
                holders.setdefault(str(value), []).append(node.name)
        return tuple(f"{value} ({' and '.join(names)})" for value, names in holders.items() if len(names) > 1)

    def connect(self) -> None:
        """Connect to all nodes at once; those that do not answer keep their trouble."""
        self.on_all(Node.connect, self.nodes)

    def close(self) -> None:
        """Close every connection."""
        if self._ahead is not None:
            self._ahead.cancel()
        for node in self.nodes:
            node.connection.close()

    def gather(self, *kinds: type[Facts], wanted: Node | None = None) -> None:
        """Ask all nodes about subjects at once, one round trip each.

        Left alone are nodes that already answered, and those that are being changed, but for the one `wanted`.
        """
        silent = [node for node in self.nodes if not all(map(node.has, kinds))]
        self.on_all(partial(ask, kinds), [node for node in silent if node is wanted or not node.changing])

    def hear(self, kind: type[Facts], node: Node) -> None:
        """Have a node tell about a subject: wait for it where it is read ahead, else ask it, and the others at once."""
        if self._ahead is None or not self._ahead.wait_for(kind, node):
            self.gather(kind, wanted=node)

    def connect_and_read_ahead(self, rounds: Iterable[Round]) -> None:
        """Connect, and ask about subjects round by round, while the caller goes on; see ReadAhead."""
        self._ahead = ReadAhead(self.nodes, rounds, ask, connect=True)

    def read_ahead(self, rounds: Iterable[Round]) -> None:
        """The same over the connections that there are, and until something is changed: then it may be in vain.

        What rests on peers is left to its time: a node that is to be changed would be waited for.
        """
        own = [[kind for kind in one if not kind.about_peers] for one in rounds]
        self._ahead = ReadAhead(self.reached, [one for one in own if one], ask, connect=False)

    def stop_reading_ahead(self, *nodes: Node) -> None:
        """Ask nothing more, and wait for what those nodes were asked, or all: what follows changes or measures them."""
        if self._ahead is not None:
            self._ahead.stop(nodes or self.nodes)

    def give_up_reading_ahead(self) -> None:
        """Ask nothing more, and wait no longer for nodes that do not answer soon."""
        if self._ahead is not None:
            self._ahead.give_up()
            self._ahead = None

    def on_all(self, do: Callable[[Node], T], nodes: Iterable[Node]) -> list[T]:
        """Do something on several nodes at once and return the results in their order.

        An interrupt leaves it at once, as it does on one node: the connections of those that are not done are given up.
        """
        todo = list(nodes)
        if len(todo) <= 1:
            return [do(node) for node in todo]
        return on_each(do, todo, lambda node: node.connection.give_up())
