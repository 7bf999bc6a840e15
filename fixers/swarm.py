"""Steps 5 and 6: one swarm, on the fabric, with every node in it."""

import time
from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING
from uuid import uuid4

from cluster.cluster import Cluster
from cluster.docker_api import docker_of
from cluster.errors import CommandFailed
from cluster.facts.swarm import PORT, SwarmFacts
from cluster.node import Node
from engine.change import Call, Change, Consent, Instruction, RunCommand

if TYPE_CHECKING:
    from docker import DockerClient

LEAVE = "docker swarm leave --force"
_TAG = "com.spark-runbook.begun"
JOIN_PATIENCE_S = 60
"""Docker itself gives joining 20 s, and then goes on in the background."""


def initialise(cluster: Cluster) -> Iterator[Change]:
    """Begin a swarm on the manager's fabric address; the playbook's two addresses would be refused."""
    manager = cluster.manager
    yield from _leave_other(manager)
    address, tag = cluster.rendezvous, uuid4().hex

    def begin() -> None:
        with docker_of(manager) as client:
            client.swarm.init(advertise_addr=address, listen_addr=f"0.0.0.0:{PORT}", labels={_TAG: tag})

    # Of a swarm that was begun by somebody else, before us or later, undo keeps away.
    ours = _tells(f'{{{{with .Swarm.Cluster}}}}{{{{index .Spec.Labels "{_TAG}"}}}}{{{{end}}}}', tag)
    yield Call(
        manager,
        f"docker swarm init --advertise-addr {address}",
        begin,
        undo_command=_leave_where(ours),
        undo_asks="leave-swarm",
        undo_stands=ours,
    )


def join(node: Node) -> Iterator[Change]:
    """Join the manager's swarm; the token goes from engine to engine and stands in no command."""
    manager = node.cluster.manager
    if node is manager:
        return
    yield from _leave_other(node)
    address, remote = node.cluster.fabric_address(node), f"{node.cluster.swarm_address(manager)}:{PORT}"

    def enter() -> None:
        with docker_of(manager) as leader, docker_of(node, timeout_s=JOIN_PATIENCE_S) as client:
            token = leader.swarm.attrs["JoinTokens"]["Worker"]
            client.swarm.join([remote], token, advertise_addr=address, listen_addr=f"0.0.0.0:{PORT}")
            _wait_until_ready(leader, client.info()["Swarm"]["NodeID"], f"{node.name} joined, but {manager.name}")
        manager.forget_about(SwarmFacts)

    words = f"docker swarm join --advertise-addr {address} --token (the worker token of {manager.name}) {remote}"
    its = _tells("{{range .Swarm.RemoteManagers}}{{.Addr}} {{end}}", remote)
    yield Call(node, words, enter, undo_command=_leave_where(its), undo_asks="leave-swarm", undo_stands=its)


def _tells(told: str, word: str) -> str:
    """Build the command that succeeds where docker tells this word of the swarm that it is in."""
    return f"docker info --format {quote(told)} | grep -qwF {quote(word)}"


def _leave_where(condition: str) -> str:
    return f"if {condition}; then {LEAVE}; fi"


def activate(node: Node) -> Iterator[Change]:
    """Let the node take tasks again, when asked to: somebody has told it not to."""
    member = node.cluster.manager.swarm.member(node.docker.engine.swarm.node_id)
    if member is not None:
        before = member.availability
        update = "docker node update --availability"
        consent = Consent("activate-node", f"{node.name}, which somebody has set to {before}, is given tasks again")
        yield RunCommand(
            node.cluster.manager,
            f"{update} active {member.id}",
            undo_command=f"{update} {before} {member.id}",
            consent=consent,
        )


def promote_managers(cluster: Cluster) -> Iterator[Change]:
    """Make managers of the nodes that have to be; whoever else is one stays it."""
    for entry in cluster.inventory.swarm_managers:
        member = cluster.manager.swarm.member(cluster[entry.name].docker.engine.swarm.node_id)
        if member is not None and member.role != "manager":
            promote, demote = (_twice(f"docker node {way} {member.id}") for way in ("promote", "demote"))
            yield RunCommand(cluster.manager, promote, undo_command=demote)


def _twice(command: str) -> str:
    """Try once more what swarm refuses because it is updating the node itself, as it does when managers come and go."""
    return f"{command} || {{ sleep 2; {command}; }}"


def remove_unlisted(cluster: Cluster) -> Iterator[Change]:
    """Take machines that the inventory does not name out of the swarm, when asked to; they keep all else they have."""
    for member in cluster.strangers:
        name = member.hostname
        consent = Consent("remove-node", f"{name} is put out of the swarm, and the tasks that run there end")
        yield RunCommand(cluster.manager, f"docker node rm --force {member.id}", consent=consent)


def _leave_other(node: Node) -> Iterator[Change]:
    """Leave a swarm that is not as it has to be, when asked to: it would lose a node, or all there is of it."""
    swarm = node.docker.engine.swarm
    if swarm.state == "locked":
        yield Instruction(node, f"unlock the swarm on {node.name} with its key: `docker swarm unlock`")
    elif swarm.state != "inactive":
        yield RunCommand(node, LEAVE, consent=Consent("leave-swarm", _what_is_lost(node)))


def _what_is_lost(node: Node) -> str:
    """Say what goes when a node leaves: of a manager's swarm the other members and the services as well."""
    swarm = node.docker.engine.swarm
    managers = ", ".join(peer.address for peer in swarm.managers or ()) or "itself"
    lost = f"{node.name} leaves the swarm that it is in (state {swarm.state}, led by {managers})"
    if not swarm.is_manager:
        return lost
    others = [one.hostname for one in node.swarm.members if one.id != swarm.node_id]
    services = [one.name for one in node.swarm.services]
    parts = [f"{what} {', '.join(names)}" for what, names in (("members", others), ("services", services)) if names]
    return f"{lost}, which may end with its {' and its '.join(parts)}" if parts else lost


def _wait_until_ready(leader: "DockerClient", identity: str, story: str) -> None:
    until = time.monotonic() + JOIN_PATIENCE_S
    while time.monotonic() < until:
        if any(member.attrs["Status"]["State"] == "ready" for member in leader.nodes.list(filters={"id": identity})):
            return
        time.sleep(0.1)
    raise CommandFailed(f"{story} does not see it ready within {JOIN_PATIENCE_S} s.")
