"""One node: its place in the cluster and what it said about every subject."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Interface
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from cluster.connection import Connection, Said
from cluster.errors import ClusterError
from cluster.facts.adapter import AdapterFacts
from cluster.facts.base import Facts, Reading
from cluster.facts.clock import ClockFacts
from cluster.facts.config import ConfigFacts
from cluster.facts.container import ContainerFacts, InsideFacts
from cluster.facts.daemon import DaemonFacts
from cluster.facts.docker import DockerFacts
from cluster.facts.doors import DoorFacts
from cluster.facts.gpu import GpuFacts
from cluster.facts.logins import LoginFacts
from cluster.facts.machine import MachineFacts
from cluster.facts.mesh import MeshFacts
from cluster.facts.netplan import NetplanFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.rdma import RdmaFacts
from cluster.facts.resources import ResourceFacts
from cluster.facts.ssh import SshFacts
from cluster.facts.stack import EndedFacts, StackFacts
from cluster.facts.state import StateFacts
from cluster.facts.swarm import SwarmFacts
from cluster.facts.toolkit import ToolkitFacts
from cluster.session import Session

if TYPE_CHECKING:
    from testinfra.host import Host

    from cluster.cluster import Cluster

F = TypeVar("F", bound=Facts)


class _Subject(Generic[F]):
    """What a node said about a subject, as an attribute of the node."""

    def __init__(self, kind: type[F]) -> None:
        self._kind = kind

    def __get__(self, node: "Node | None", owner: type) -> F:
        if node is None:
            return self  # type: ignore[return-value]  # on the class itself the descriptor is what one wants
        return node.facts(self._kind)


class Node(Session):
    """A node of the cluster; its facts are read when they are first asked for and dropped when it changes."""

    machine = _Subject(MachineFacts)
    """What kind of machine it is."""
    clock = _Subject(ClockFacts)
    """Step 1: its clock, set against ours."""
    resources = _Subject(ResourceFacts)
    """Step 1: disk, memory, processes."""
    network = _Subject(NetworkFacts)
    """Step 1: links, addresses, listeners."""
    netplan = _Subject(NetplanFacts)
    """Step 1: what the interfaces will be after a reboot."""
    adapter = _Subject(AdapterFacts)
    """Step 1: speed, PCIe and counters of the interfaces."""
    rdma = _Subject(RdmaFacts)
    """Step 1: RDMA devices and what NCCL was told of them."""
    doors = _Subject(DoorFacts)
    """Step 1: which ports of its peers it gets through to."""
    ssh = _Subject(SshFacts)
    """Step 1: keys and known hosts."""
    mesh = _Subject(MeshFacts)
    """Step 1: how it reaches its peers over the fabric."""
    logins = _Subject(LoginFacts)
    """Step 1: which peers its own SSH gets into."""
    docker = _Subject(DockerFacts)
    """Step 2: the engine, and who may use it."""
    daemon = _Subject(DaemonFacts)
    """Step 2: what dockerd is started with, and what kept it from starting."""
    toolkit = _Subject(ToolkitFacts)
    """Step 3: the NVIDIA Container Toolkit."""
    gpu = _Subject(GpuFacts)
    """Step 4: the GPUs."""
    swarm = _Subject(SwarmFacts)
    """Step 5: the swarm as this node sees it."""
    stack = _Subject(StackFacts)
    """Step 6: image, directories, service."""
    ended = _Subject(EndedFacts)
    """Step 6: what the tasks that ended said last; asked for when one failed."""
    container = _Subject(ContainerFacts)
    """Step 7: our containers."""
    inside = _Subject(InsideFacts)
    """Step 7: what our container sees."""
    state = _Subject(StateFacts)
    """Whatever else it is: settings, packages, files; asked for when something fails."""
    config = _Subject(ConfigFacts)
    """Step 9: the accelerate configuration."""

    def __init__(self, name: str, address: str, rank: int, connection: Connection, cluster: "Cluster") -> None:
        """Name a node; its cluster connects to it."""
        super().__init__(name, connection, cluster.deadline_s, cluster.become_password)
        self.address = address
        self.rank = rank
        self.cluster = cluster
        self.planned: dict[str, bytes] = {}
        """Contents that files will have after the changes planned so far, by path; empty unless --plan."""
        self._changes = self._changes_of_peers = 0
        self.asking: dict[type[Facts], Lock] = {}
        """Held, by subject, by whoever asks the node about it."""
        self._facts: dict[type[Facts], Facts] = {}
        self._said: dict[tuple[str, bool], Said | ClusterError] = {}
        """By command, and whether root gave it: what `read_with_peers` was told."""
        self._noted: list[Reading] = []

    def __repr__(self) -> str:
        return self.name

    @property
    def role(self) -> str:
        """`manager` for the node that leads the swarm, `worker` for the others."""
        return "manager" if self.rank == 0 else "worker"

    @property
    def peers(self) -> list["Node"]:
        """The other nodes of its cluster."""
        return [other for other in self.cluster.nodes if other is not self]

    @property
    def fabric(self) -> Mapping[str, IPv4Interface]:
        """The fabric addresses planned for it, by interface; empty where it did not answer."""
        return self.cluster.fabric.of(self.name)

    @property
    def fabric_of_peers(self) -> dict["Node", Mapping[str, IPv4Interface]]:
        """The same for each of its peers; the plan rests on what all nodes told, so it is looked at once for them."""
        plan = self.cluster.fabric
        return {peer: plan.of(peer.name) for peer in self.peers}

    @property
    def host(self) -> "Host":
        """Testinfra's host API on this node's own connection, for one-off questions."""
        from cluster.testinfra_host import host_of  # noqa: PLC0415 - few runs need testinfra's fifty modules

        return host_of(self)

    def reconnect(self) -> None:
        """Take a fresh session, which alone sees new group memberships; what the node said before is dropped.

        Raises:
            ClusterError: The node did not let us in again, or another run has locked it meanwhile.
        """
        super().reconnect()
        self.forget()
        self.cluster.lock_again(self)

    @contextmanager
    def changes_allowed(self) -> Iterator[None]:
        """Allow `change` for the duration of one change; afterwards nothing the node said before counts.

        Raises:
            ClusterError: Our lock on the node has ended, so another run may be changing it.
        """
        self.cluster.stop_reading_ahead(self)
        self.cluster.see_locked(self)
        try:
            with super().changes_allowed():
                yield
        finally:
            self.forget()
            for peer in self.peers:
                peer.forget_peers()
            self.cluster.changed_at = time.time()

    def read_with_peers(self, command: str, *, root: bool) -> Said:
        """Run a command that only reads; what one node is asked the others will be, so all are asked at once.

        While we hold the lock it is this node alone, every time: then the answer has to be that of this very moment.

        Raises:
            SudoRefused: It needs root and we cannot become root.
            Unreachable: The connection broke.
        """
        if self.cluster.locked:
            return self.read(command, root=root)
        key = (command, root)
        if key not in self._said:
            todo = [node for node in dict.fromkeys([self, *self.cluster.reached]) if key not in node._said]
            self.cluster.on_all(lambda node: node._ask(*key), todo)
        said = self._said[key]
        if isinstance(said, ClusterError):
            raise said
        return said

    def _ask(self, command: str, root: bool) -> None:
        try:
            self._said[command, root] = self.read(command, root=root)
        except ClusterError as error:
            self._said[command, root] = error

    def facts(self, kind: type[F]) -> F:
        """Return what this node said about a subject."""
        # What another thread changes meanwhile is asked for once more.
        while (found := self._facts.get(kind)) is None:
            self.cluster.hear(kind, self)
        assert isinstance(found, kind)
        return found

    @property
    def age(self) -> tuple[int, int]:
        """How often something has changed that it may have spoken of: here, and on its peers."""
        return self._changes, self._changes_of_peers

    def keep(self, facts: Facts, asked_at: tuple[int, int] | None = None) -> None:
        """Keep what the node said until something changes there; not if something has since its age was `asked_at`."""
        here, on_peers = asked_at or self.age
        if here == self._changes and (facts.is_local or on_peers == self._changes_of_peers):
            self._facts[type(facts)] = facts

    def has(self, kind: type[Facts]) -> bool:
        """Whether the node was already asked about a subject."""
        return kind in self._facts

    def forget(self) -> None:
        """Drop all that it said, because something on the node has changed."""
        self._changes += 1
        self._facts.clear()
        self._said.clear()

    def forget_about(self, kind: type[Facts]) -> None:
        """Drop what the node said about one subject, so that the next to ask gets a fresh answer."""
        self._facts.pop(kind, None)

    def forget_peers(self) -> None:
        """Drop what it said about its peers, because something on one of them has changed."""
        self._changes_of_peers += 1
        self._facts = {kind: facts for kind, facts in list(self._facts.items()) if not kind.about_peers}

    def start_evidence(self) -> None:
        """Begin to note what is read."""
        self._noted.clear()

    def note(self, reading: Reading) -> None:
        """Note that something was read."""
        self._noted.append(reading)

    def evidence(self) -> list[Reading]:
        """Return what was read since, each reading once, so that a verdict can show what it rests on."""
        return list(dict.fromkeys(self._noted))

    @property
    def answer_s(self) -> float:
        """Step 1: how long it takes to answer a command, in seconds."""
        return self.answers_in_s(self.cluster.inventory.thresholds.answer_s)
