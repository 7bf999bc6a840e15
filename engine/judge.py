"""Check, and where it fails: plan, apply, check again."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import pytest

from cluster.cluster import Cluster
from cluster.errors import ClusterError, UnknownFact
from cluster.node import Node
from engine.apply import Applier
from engine.check import Check
from engine.comparison import Comparison
from engine.outcome import STOPS_OTHERS, ChangeTold, Evidence, Outcome, Verdict

KEPT_OUTPUT = 4000
"""Of a command's output at most so many characters go into the report."""


class Compared(Protocol):
    """Where the last comparison of the running check is kept."""

    last: Comparison | None


class Judge:
    """Judges the checks of one run, in order, and remembers what it found."""

    def __init__(self, cluster: Cluster, applier: Applier, mode: str, compared: Compared) -> None:
        """Judge in mode check, plan or fix."""
        self.verdicts: list[Verdict] = []
        self._cluster = cluster
        self._applier = applier
        self._mode = mode
        self._compared = compared

    def judge(self, check: Check, node: Node | None, assertion: Callable[[], object], skip: str | None) -> Verdict:
        """Run one check to its verdict; `skip` is the reason why it does not apply here, if there is one."""
        started = time.monotonic()
        verdict = Verdict(check.id, check.step, check.title, node.name if node else None, Outcome.PASSED)
        if skip is not None:
            verdict.outcome, verdict.cause = Outcome.SKIPPED, skip
        elif not self._blocked(check, node, verdict):
            self._assert(assertion, verdict)
            if verdict.outcome is Outcome.FAILED:
                verdict.remedy = check.remedy
                self._repair(check, node, assertion, verdict)
        verdict.seconds = time.monotonic() - started
        self.verdicts.append(verdict)
        return verdict

    def _blocked(self, check: Check, node: Node | None, verdict: Verdict) -> bool:
        """Fill the verdict of a check that cannot be judged, because its node or another check stands in the way."""
        silent = [one for one in ([node] if node else self._cluster.nodes) if one.trouble is not None]
        if silent:
            first = silent[0]
            told_already = any(other.node == first.name for other in self.verdicts)
            verdict.outcome = Outcome.BLOCKED if told_already or node is None else Outcome.UNKNOWN
            verdict.cause = first.trouble
            verdict.blocked_by = ["ssh.reachable"] if verdict.outcome is Outcome.BLOCKED else []
            return True
        stopped = [other for other in self.verdicts if self._stops(other, check, node)]
        if stopped:
            verdict.outcome = Outcome.BLOCKED
            verdict.blocked_by = sorted({other.id for other in stopped})
            where = f" on {stopped[0].node}" if stopped[0].node else ""
            verdict.cause = f"it needs that: {stopped[0].title[0].lower()}{stopped[0].title[1:]}{where}"
        return bool(stopped)

    @staticmethod
    def _stops(other: Verdict, check: Check, node: Node | None) -> bool:
        same_place = node is None or other.node is None or other.node == node.name
        return other.id in check.needs and same_place and other.outcome in STOPS_OTHERS

    def _assert(self, assertion: Callable[[], object], verdict: Verdict) -> None:
        """Run the assertion once and write down what came of it."""
        self._compared.last = None
        for node in self._cluster.nodes:
            node.start_evidence()
        verdict.expected = verdict.found = verdict.cause = None
        try:
            assertion()
            verdict.outcome = Outcome.PASSED
        except AssertionError as error:
            verdict.outcome = Outcome.FAILED
            verdict.cause = str(error).split("\nassert ", 1)[0].strip() if "\nassert " in str(error) else None
        except pytest.skip.Exception as reason:
            verdict.outcome, verdict.cause = Outcome.SKIPPED, str(reason)
        except UnknownFact as error:
            verdict.outcome, verdict.cause = Outcome.UNKNOWN, str(error)
        except ClusterError as error:
            verdict.outcome, verdict.cause = Outcome.UNKNOWN, str(error)
        if last := self._compared.last:
            verdict.expected, verdict.found = last.expected, last.found
        verdict.evidence = self._evidence(verdict.node)

    def _evidence(self, place: str | None) -> list[Evidence]:
        nodes = [node for node in self._cluster.nodes if place in (None, node.name)]
        return [
            Evidence(reading.command, reading.exit, (reading.out + reading.err)[:KEPT_OUTPUT])
            for node in nodes
            for reading in node.evidence()
            if reading.command
        ]

    def _repair(self, check: Check, node: Node | None, assertion: Callable[[], object], verdict: Verdict) -> None:
        """Plan what the fixer would change; with --fix make it so and run the same assertion again."""
        if check.fix is None:
            return
        before = replace(verdict)
        refused = False
        try:
            for change in check.fix(node or self._cluster):
                refusal = self._applier.refusal(change)
                told = ChangeTold(change.describe(), change.risk, applied=False)
                verdict.changes.append(told)
                if refusal is not None:
                    refused = True
                    verdict.remedy = refusal.remedy
                    continue
                if self._mode == "fix" and not refused:
                    self._cluster.tell(f"{change.node.name}: {check.title}")
                    self._applier.apply(check.id, check.step, change)
                    told.applied = True
        except ClusterError as error:
            verdict.outcome = Outcome.FIX_FAILED if self._mode == "fix" else Outcome.FAILED
            verdict.cause = str(error)
            return
        self._conclude(assertion, before, verdict, refused=refused)

    def _conclude(self, assertion: Callable[[], object], before: Verdict, verdict: Verdict, *, refused: bool) -> None:
        if refused or not verdict.changes:
            return
        if self._mode != "fix":
            if self._mode == "plan":
                verdict.outcome = Outcome.WOULD_FIX
            verdict.remedy = "pytest runbook --fix"
            return
        self._assert(assertion, verdict)
        if verdict.outcome is Outcome.PASSED:
            verdict.outcome, verdict.cause, verdict.remedy = Outcome.FIXED, before.cause, None
            verdict.found = before.found
        elif verdict.outcome is Outcome.FAILED:
            verdict.outcome = Outcome.FIX_FAILED
            verdict.remedy = "the change was made and did not help; --undo takes it back"
