"""Going through what a fixer would change: told in a check, planned in a plan, made so in a repair."""

from cluster.cluster import Cluster
from cluster.facts.base import unnoted
from cluster.node import Node
from engine.apply import Applier, what_is_asked
from engine.change import Change, Changes
from engine.check import Check
from engine.outcome import ReportedChange, Verdict
from engine.plan import Plan


class Repairer:
    """Takes the changes of fixers, one after the other, or several at once where the fixer gives them together."""

    def __init__(self, cluster: Cluster, applier: Applier, mode: str, fix_command: str) -> None:
        """Go through changes in mode check, plan or fix; `fix_command` is what a person runs to make them."""
        self._cluster = cluster
        self._applier = applier
        self._mode = mode
        self._fix_command = fix_command
        self._plan = Plan()

    def go_through(self, check: Check, changes: Changes, verdict: Verdict) -> bool:
        """Put the changes into the verdict, and make them with --fix; True when there are any and all may be made.

        Raises:
            ClusterError: One could not be described, or made.
        """
        offered, refused = False, list[Change]()
        with unnoted():
            for given in changes:
                todo: list[tuple[Change, ReportedChange]] = []
                for change in [given] if isinstance(given, Change) else given:
                    offered = True
                    elsewhere = change.node.name if change.node.name != verdict.node else None
                    told = ReportedChange(change.describe(), change.risk, applied=False, node=elsewhere)
                    if self._applier.refuses(change):
                        refused.append(change)
                    elif self._mode == "plan" and not self._plan.add(change):
                        continue
                    verdict.changes.append(told)
                    verdict.unforeseen |= self._mode == "plan" and not change.foreseeable
                    if self._mode == "fix" and not refused:
                        todo.append((change, told))
                self._make(check, todo)
        if refused:
            verdict.remedy = what_is_asked(refused, self._fix_command)
        return offered and not refused

    def _make(self, check: Check, todo: list[tuple[Change, ReportedChange]]) -> None:
        """Make changes: on all nodes at once, on each node one after the other."""
        each: dict[Node, list[tuple[Change, ReportedChange]]] = {}
        for change, told in todo:
            each.setdefault(change.node, []).append((change, told))

        def make(node: Node) -> None:
            for change, told in each[node]:
                self._applier.apply(check.id, check.step, change)
                told.applied = True

        self._cluster.on_all(make, each)
