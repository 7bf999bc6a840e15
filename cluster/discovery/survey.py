"""What is at those places: log in everywhere at once, look, and tell machines apart."""

from collections.abc import Iterable
from dataclasses import dataclass

from cluster.cluster import Cluster
from cluster.discovery.candidates import Candidate
from cluster.errors import ClusterError
from cluster.inventory import Inventory, NodeEntry, Ssh
from cluster.node import Node


@dataclass(frozen=True)
class Found:
    """A candidate and what is there; `trouble` says why it could not be looked at, or is no node for a cluster."""

    candidate: Candidate
    name: str
    user: str | None = None
    gpus: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    os: str = ""
    machine: str = ""
    trouble: str | None = None

    @property
    def in_words(self) -> str:
        """What is there, in one line."""
        return self.trouble or ", ".join(
            [
                " and ".join(self.gpus) or "no GPU that answers",
                f"link on {' and '.join(self.ports)}" if self.ports else "no ConnectX port with a link",
                self.os,
                f"found by {self.candidate.found_by}" if self.candidate.found_by != "named" else "as named",
            ]
        )


def survey(candidates: Iterable[Candidate], ssh: Ssh) -> list[Found]:
    """Look at every candidate; a machine that was found in several ways is told once, by the first of them."""
    places = list(dict.fromkeys(candidates))
    entries = tuple(
        NodeEntry(name=f"candidate-{number}", address=one.address, user=one.user, port=one.port)
        for number, one in enumerate(places)
    )
    if not entries:
        return []
    cluster = Cluster(Inventory(nodes=entries, ssh=ssh))
    try:
        cluster.connect()
        found = [_look(candidate, cluster[entry.name]) for candidate, entry in zip(places, entries, strict=True)]
    finally:
        cluster.close()
    machines: dict[str, Found] = {}
    for one in found:
        machines.setdefault(one.machine or one.candidate.address, one)
    return list(machines.values())


def _look(candidate: Candidate, node: Node) -> Found:
    name, user = candidate.name or candidate.address, candidate.user or node.cluster.inventory.ssh.user
    if node.trouble is not None:
        trouble = node.trouble.replace(f", the address of {node.name}", "").replace(node.name, candidate.address)
        return Found(candidate, name, user=user, trouble=trouble)
    try:
        gpus = _gpus(node)
        ports, machine = node.network.ports, node.machine
        found = Found(
            candidate,
            machine.hostname,
            user=node.login.user,
            gpus=gpus,
            ports=node.network.cabled,
            os=machine.os,
            # A cloned disk brings its hostname along, and containers on one kernel share its boot.
            machine=f"{machine.hostname} {machine.boot_id}",
        )
    except ClusterError as error:
        return Found(candidate, name, user=user, trouble=str(error).replace(node.name, candidate.address))
    if gpus or ports or candidate.found_by == "named":
        return found
    return Found(
        candidate, found.name, machine=found.machine, trouble="it has neither an NVIDIA GPU nor a ConnectX port"
    )


def _gpus(node: Node) -> tuple[str, ...]:
    try:
        return tuple(gpu.name for gpu in node.gpu.gpus)
    except ClusterError:
        return ()
