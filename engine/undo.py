"""Taking changes back from the journal alone, last first."""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter

from cluster.cluster import Cluster
from cluster.errors import ClusterError, CommandFailed
from cluster.node import Node
from cluster.threads import on_each
from engine.files import read_file, remove_file, write_file
from engine.journal import Journal, Record
from engine.undo_asks import spare_others
from engine.undo_step import RestoreFile
from engine.way_in import keep_way_in

AT_ONCE = 32
"""So many nodes take changes back at the same time."""


_TakenUp = tuple[str, str | None]
"""A node, and the command by which it takes up what was put back."""


@dataclass(frozen=True)
class UndoResult:
    """One change of the old run: `trouble` says why it still stands."""

    record: Record
    trouble: str | None


def undo_run(
    cluster: Cluster,
    journal: Journal,
    report: Callable[[UndoResult], None],
    allowed: frozenset[str] = frozenset(),
    runbook: str = "pytest runbook",
) -> None:
    """Take back every change of a run, last first; one that cannot be taken back does not stop the others.

    What was changed on several nodes for one check is taken back on them at once; nodes take it up one by one. What
    would end something that runs, or a swarm that others use, is taken back only where its flag is in `allowed`;
    `runbook` runs the runbook on this cluster, for a person to allow it.
    """

    def allowing(record: Record) -> str | None:
        asks = record.undo_asks is not None and record.undo_asks not in allowed
        return f"{runbook} --undo {journal.path.parent.name} --allow {record.undo_asks}" if asks else None

    left = [record for record in reversed(journal.records()) if record.to_undo]
    # A node takes up what was put back once, after the last of the changes that need it.
    last: dict[_TakenUp, Record] = {(one.node, one.taken_up_by): one for one in left if one.taken_up_by}
    put_back: set[_TakenUp] = set()
    standing: list[Record] = []
    for _, same in groupby(left, key=attrgetter("check")):
        records = list(same)
        ending = [record for record in records if last.get((record.node, record.taken_up_by)) is record]
        unmarked = [record.number for record in ending]
        undo = partial(_undo, cluster, journal, allowing, unmarked, list(standing))
        troubles = _on_all_nodes(cluster, undo, records)
        put_back |= {(record.node, record.taken_up_by) for record in records if troubles[record.number] is None}
        for record in ending:
            if record.taken_up_by and (record.node, record.taken_up_by) in put_back:
                trouble = _take_up(cluster, record.node, record.taken_up_by)
                troubles[record.number] = trouble or troubles[record.number]
            if troubles[record.number] is None:
                journal.mark(record.number, "undone")
        standing += [record for record in records if troubles[record.number] is not None]
        for record in records:
            report(UndoResult(record, troubles[record.number]))


def _on_all_nodes(
    cluster: Cluster, undo: Callable[[Record], str | None], records: list[Record]
) -> dict[int, str | None]:
    """Take changes back, on each node one after the other; returns by their numbers why one still stands."""
    each: dict[str, list[Record]] = {}
    for record in records:
        each.setdefault(record.node, []).append(record)
    found = on_each(
        lambda name: {record.number: undo(record) for record in each[name]},
        each,
        lambda name: cluster[name].connection.give_up(),
        AT_ONCE,
    )
    return {number: trouble for troubles in found for number, trouble in troubles.items()}


def _undo(
    cluster: Cluster,
    journal: Journal,
    allowing: Callable[[Record], str | None],
    unmarked: list[int],
    standing: list[Record],
    record: Record,
) -> str | None:
    """Take one change back, or say why it still stands; those that are to be taken up are not marked yet.

    `allowing` returns the command by which a person allows what was not allowed yet; `standing` are the changes that
    were to be taken back before this one and still stand.
    """
    try:
        node = _node(cluster, record.node)
        keep_way_in(node, record)
        if record.undo_asks and (again := allowing(record)):
            spare_others(node, record, again, standing)
        take_back(node, record)
    except ClusterError as error:
        return str(error)
    if record.number not in unmarked:
        journal.mark(record.number, "undone")
    return None


def _take_up(cluster: Cluster, name: str, command: str) -> str | None:
    """Let a node take up what was put back, or say why it does not."""
    try:
        take_up(_node(cluster, name), command)
    except ClusterError as error:
        return str(error)
    return None


def take_back(node: Node, record: Record) -> None:
    """Take back one change.

    Raises:
        ClusterError: It cannot be taken back; nothing was done.
    """
    with node.changes_allowed():
        for step in reversed(record.undo):
            if isinstance(step, RestoreFile):
                _restore(node, step)
            else:
                node.change(step.command, root=step.root, deadline_s=step.deadline_s)


def take_up(node: Node, command: str) -> None:
    """Let the node take up what was put back.

    Raises:
        ClusterError: The command failed.
    """
    with node.changes_allowed():
        node.change(command)


def _restore(node: Node, step: RestoreFile) -> None:
    path, root = step.path, step.root
    before = None if step.content is None else b64decode(step.content)
    now = read_file(node, path, root=root)
    if now.content == before and now.mode == step.mode:
        return
    if now.content != before and now.sha256 != step.after:
        raise CommandFailed(
            f"{path} on {node.name} was edited since, so it stays as it is: the journal has its old bytes."
        )
    if before is None:
        remove_file(node, path, now, step.made, root=root)
    else:
        write_file(node, path, before, now, mode=step.mode, owner=step.owner, root=root)


def _node(cluster: Cluster, name: str) -> Node:
    if name not in cluster.names:
        raise CommandFailed(f"{name} is not in the inventory, so its changes stay: add it and run --undo again.")
    node = cluster[name]
    if node.trouble is not None:
        raise CommandFailed(node.trouble)
    return node
