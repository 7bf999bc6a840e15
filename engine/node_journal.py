"""A copy of the journal on the node that is changed: who finds the node later can take the changes back as well."""

import json
from pathlib import Path
from shlex import quote
from typing import Any

from cluster.cluster import Cluster
from cluster.node import Node
from engine.journal import FILE, Journal, JournalError
from engine.undo_step import STEPS

DIRECTORY = "/var/lib/spark-runbook/journals"

_KEEP = """\
set -eu
umask 077; mkdir -p {directory}
# What a broken connection left there in part announces a change that was not begun.
cd {directory}
test ! -s {run}.jsonl || test -z "$(tail -c 1 {run}.jsonl)" || sed -i '$d' {run}.jsonl
cat >>{run}.jsonl
sync -- {run}.jsonl ."""
_FORGET = "rm -f {directory}/{run}.jsonl; rmdir -p --ignore-fail-on-non-empty {directory} 2>/dev/null; true"
_READ = "test ! -e {directory}/{run}.jsonl || cat {directory}/{run}.jsonl"


def keep(node: Node, journal: Journal, number: int) -> None:
    """Copy the record of a change that just began to the node that it is about, on disk before the change is made.

    Raises:
        ClusterError: It could not be written, so nothing may be changed.
    """
    if node.has_root:
        command = _in_place(_KEEP, journal.path.parent.name)
        with node.changes_allowed():
            node.change(command, stdin=journal.begun(number), what="writing the journal's copy")


def forget_undone(cluster: Cluster, journal: Journal) -> None:
    """Remove the copies of a run from the nodes where none of its changes stands any more.

    Raises:
        ClusterError: One could not be removed.
    """
    changed = {record.node for record in journal.records()}
    left = {record.node for record in journal.records() if record.to_undo}
    for node in cluster.reached:
        if node.name in changed - left and node.has_root:
            with node.changes_allowed():
                node.change(_in_place(_FORGET, journal.path.parent.name), what="removing the journal's copy")


def recover(cluster: Cluster, report_dir: Path, run_id: str) -> Journal | None:
    """Put a run's journal together again from its copies on the nodes, or return None where there are none.

    Raises:
        ClusterError: A node cannot tell what it keeps. A part of a journal would be taken for all of it the next time.
    """
    if run_id != Path(run_id).name:
        return None
    entries = [entry for kept in cluster.on_all(lambda node: _kept(node, run_id), cluster.nodes) for entry in kept]
    if not entries:
        return None
    journal = Journal(report_dir / run_id / FILE)
    journal.take_over(entries)
    return journal


def _kept(node: Node, run_id: str) -> list[dict[str, Any]]:
    """Read the records that a node keeps of a run; it may speak of itself alone."""
    told = f"Whether {node.name} keeps a journal of {run_id} is not known"
    if node.trouble is not None:
        raise JournalError(f"{told}: {node.trouble}")
    said = node.read(_in_place(_READ, run_id), root=True)
    if said.exit != 0:
        raise JournalError(f"{told}: {said.err.strip()[-200:] or 'it could not be read in time'}")
    *lines, _cut_off = said.stdout.split(b"\n")
    try:
        return [_record(line, node) for line in lines]
    except (ValueError, TypeError, LookupError):
        raise JournalError(
            f"{DIRECTORY}/{run_id}.jsonl on {node.name} is no journal of what was changed there: look at it, and take "
            "it away if it is damaged; what it tells of has to be taken back by hand."
        ) from None


def _record(line: bytes, node: Node) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(line)
    if entry["node"] != node.name:
        raise ValueError
    STEPS.validate_python(entry["undo"])
    return entry | {"number": int(entry["number"])}


def _in_place(command: str, run_id: str) -> str:
    return command.format(directory=DIRECTORY, run=quote(run_id))
