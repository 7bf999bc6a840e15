"""A copy of the journal on the node that is changed: who finds the node later can take the changes back as well."""

from pathlib import Path
from shlex import quote

from cluster.cluster import Cluster
from cluster.node import Node
from engine.journal import FILE, Journal

DIRECTORY = "/var/lib/spark-runbook/journals"

_KEEP = """\
set -eu
umask 077; mkdir -p {directory}
cat >>{directory}/{run}.jsonl
sync -- {directory}/{run}.jsonl {directory}"""
_FORGET = "rm -f {directory}/{run}.jsonl; rmdir -p --ignore-fail-on-non-empty {directory} 2>/dev/null; true"
_READ = "cat {directory}/{run}.jsonl 2>/dev/null; true"


def keep(node: Node, journal: Journal, number: int) -> None:
    """Copy the record of a change that just began to the node that it is about, on disk before the change is made.

    Raises:
        ClusterError: It could not be written, so nothing may be changed.
    """
    if node.has_root:
        with node.changes_allowed():
            node.change(_in_place(_KEEP, journal.path.parent.name), stdin=journal.begun(number))


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
                node.change(_in_place(_FORGET, journal.path.parent.name))


def recover(cluster: Cluster, report_dir: Path, run_id: str) -> Journal | None:
    """Put a run's journal together again from its copies on the nodes, or return None where there are none."""
    if run_id != Path(run_id).name:
        return None
    nodes = [node for node in cluster.reached if node.has_root]
    said = cluster.on_all(lambda node: node.read(_in_place(_READ, run_id), root=True).stdout, nodes)
    lines = [line for copy in said for line in copy.splitlines(keepends=True) if line.endswith(b"\n")]
    if not lines:
        return None
    journal = Journal(report_dir / run_id / FILE)
    journal.take_over(lines)
    return journal


def _in_place(command: str, run_id: str) -> str:
    return command.format(directory=DIRECTORY, run=quote(run_id))
