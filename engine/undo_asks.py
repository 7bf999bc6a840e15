"""What taking a change back would end for those who have worked on the nodes since, each asked about by its flag."""

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from shlex import quote

from cluster.errors import CommandFailed, UnknownFact
from cluster.facts.container import CLUSTER_LABEL
from cluster.facts.docker import Container
from cluster.facts.stack import DIGEST_LABEL
from cluster.node import Node
from engine.journal import Record
from engine.naming import named
from engine.network_change import APPLY_NETPLAN
from engine.undo_step import UndoCommand
from engine.way_in import addresses_that_go

ENDING_PATIENCE_S = 15
"""Docker gives a container 10 s to end by itself."""

_TRAINS = re.compile(r"\b(?:accelerate|torchrun|torch\.distributed|deepspeed|finetune)\b")
"""Of a command: it trains, whoever started it. A container that only waits for work runs `sleep`."""


def spare_others(node: Node, record: Record, again: str, standing: Sequence[Record]) -> None:
    """Refuse to take a change back where that would end something; `again` is the command that allows it.

    `standing` are the later changes of the same run that could not be taken back.

    Raises:
        CommandFailed: Something would end, or nobody can tell.
    """
    if not _stands(node, record):
        return
    try:
        ending = _ending(node, record, standing)
    except UnknownFact as error:
        ending = f"would end what cannot be read ({str(error).rstrip('.')})"
    if ending:
        raise CommandFailed(f"it {ending}: when that is all right, rerun with `{again}`")


def _stands(node: Node, record: Record) -> bool:
    """Whether anything is left of a change; where its commands can tell that nothing is, they do nothing either."""
    return not all(
        isinstance(step, UndoCommand) and step.stands and node.read(step.stands, root=step.root).exit not in (0, None)
        for step in record.undo
    )


def _ending(node: Node, record: Record, standing: Sequence[Record]) -> str:
    """Say what would end, as it follows on "it"; empty where nothing would."""
    if record.undo_asks == "recreate-stack":
        return _training(node)
    if record.taken_up_by == APPLY_NETPLAN:
        return _known_by_what_goes(node, record)
    # Those of a stack that had to stay do not end.
    patience = 0 if any(one.undo_asks == "recreate-stack" for one in standing) else ENDING_PATIENCE_S
    if record.undo_asks == "leave-swarm":
        return _swarm(node, standing) or _running(node, tasks_alone=True, patience_s=patience)
    return _running(node, tasks_alone=False, patience_s=patience)


def _known_by_what_goes(node: Node, record: Record) -> str:
    """Say by which of the addresses that go a swarm knows the node: without it docker does not start again."""
    addresses = addresses_that_go(record)
    if not addresses or node.docker.active != "active":
        return ""
    swarm = node.docker.engine.swarm
    lost = swarm.state == "active" and swarm.address in addresses
    return f"would take {swarm.address} away, by which its swarm knows {node.name}" if lost else ""


def _training(node: Node) -> str:
    """Say where a fine-tune runs in containers of ours: a swarm's are on all nodes, and go with the manager's stack."""
    cluster = node.cluster
    concerned = cluster.reached if cluster.inventory.uses_swarm else [node]
    nodes = [one for one in concerned if one.docker.active == "active"]
    names = [one.name for one, trains in zip(nodes, cluster.on_all(_trains, nodes), strict=True) if trains]
    return f"would end the training that runs on {named(names)}" if names else ""


def _trains(node: Node) -> bool:
    label = quote(f"{CLUSTER_LABEL}={node.cluster.inventory.name}")
    # One that ended after it was listed has no processes to tell.
    runs = "docker inspect --format '{{.State.Running}}' \"$id\" 2>/dev/null | grep -qx true"
    told = f'docker top "$id" -eo pid,args || {{ ! {runs}; }} || exit 1'
    said = node.read(f"ids=$(docker ps -q --filter label={label}) || exit; for id in $ids; do {told}; done", root=True)
    if said.exit != 0:
        raise UnknownFact(f"`docker top` on {node.name}: {said.err.strip()[:200] or 'it does not answer'}")
    return _TRAINS.search(said.out) is not None


def _swarm(node: Node, standing: Sequence[Record]) -> str:
    """Say what ends, or may end, with the swarm when one of its managers leaves it by force."""
    until = time.monotonic() + ENDING_PATIENCE_S
    while True:
        node.forget()
        try:
            return _lost(node, standing)
        except UnknownFact:
            # Managers that elect a leader answer nothing for a moment, nor does one that is to be none any more.
            if time.monotonic() > until:
                raise
        time.sleep(0.5)


def _lost(node: Node, standing: Sequence[Record]) -> str:
    swarm = node.docker.engine.swarm
    own = node.swarm.member(swarm.node_id) if swarm.is_manager else None
    if own is None or own.role != "manager":
        return ""
    services = [one.name for one in node.swarm.services if DIGEST_LABEL not in (one.labels or {})]
    lost = {"member": _members(node, standing), "service": services, **_secrets_and_configs(node)}
    told = [f"{kind}{'s' if len(names) > 1 else ''} {named(names)}" for kind, names in lost.items() if names]
    led = any(one.role == "manager" and one.state == "ready" for one in node.swarm.members if one != own)
    ends = "may end" if led else "would end"
    return f"{ends} the swarm that {node.name} manages, with its {' and its '.join(told)}" if told else ""


def _members(node: Node, standing: Sequence[Record]) -> list[str]:
    """Name the other members; one that has just left is `ready` for its manager for some seconds yet."""
    inside = {one.node: None for one in standing if one.undo_asks == "leave-swarm" and one.node != node.name}
    names: dict[str, str] = {}
    hostnames = {node.machine.hostname}
    for peer in node.peers:
        with suppress(UnknownFact):
            names[peer.docker.engine.swarm.node_id] = peer.name
            hostnames.add(peer.machine.hostname)
    for one in node.swarm.members:
        if one.id in names:
            inside[names[one.id]] = None
        elif one.id != node.docker.engine.swarm.node_id and one.state == "ready":
            inside |= {} if one.hostname in hostnames else {one.hostname: None}
    return list(inside)


def _secrets_and_configs(node: Node) -> dict[str, list[str]]:
    command = "docker secret ls --format 'secret {{.Name}}' && docker config ls --format 'config {{.Name}}'"
    said = node.read(command, root=True)
    if said.exit != 0:
        raise UnknownFact(f"the swarm's secrets and configs: {said.err.strip()[:200] or 'docker does not answer'}")
    found = [line.split(" ", 1) for line in said.out.splitlines()]
    return {kind: [name for what, name in found if what == kind] for kind in ("secret", "config")}


def _running(node: Node, *, tasks_alone: bool, patience_s: float) -> str:
    """Name containers that run; those of our own stack, which went just before, get the time to end."""
    until = time.monotonic() + patience_s
    node.forget()
    while node.docker.active == "active" and (ending := _ended(node, tasks_alone=tasks_alone)):
        if not node.container.ours or time.monotonic() > until:
            return f"would interrupt {', '.join(container.name for container in ending)} on {node.name}"
        time.sleep(0.5)
        node.forget()
    return ""


def _ended(node: Node, *, tasks_alone: bool) -> list[Container]:
    """List the containers that would end: a node that leaves its swarm keeps those that were started by hand."""
    return [one for one in node.docker.running if not tasks_alone or one.is_task]
