"""Check, and where it fails: plan, apply, check again."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest

from cluster.cluster import Cluster
from cluster.errors import ClusterError
from cluster.facts.base import unnoted
from cluster.node import Node
from engine.apply import Applier
from engine.check import Check, Settles
from engine.comparison import LastComparison
from engine.evidence import evidence_of
from engine.judging import Judging, Repair, Repairs, Steps, finish_together
from engine.naming import as_clause, named
from engine.outcome import STOPS_OTHERS, AppliedLimit, Place, Verdict
from engine.plan import rest_on, wait_for
from engine.repair import Repairer
from engine.verdicts import Verdicts
from reports.outcome import Outcome

LOOK_AGAIN_S = 0.5
SETTLE_S = 60
"""What may come to hold by itself is looked at again for so long at most."""


Skip = str | ClusterError | None
"""Why a check does not apply, or why that is not known; None where it does."""


class Judge:
    """Judges the checks of one run, in order, and remembers what it found."""

    def __init__(
        self,
        cluster: Cluster,
        applier: Applier,
        mode: str,
        compared: LastComparison,
        fix_command: str = "pytest runbook --fix",
        command: str = "pytest runbook",
    ) -> None:
        """Judge in mode check, plan or fix; `command` runs the runbook on this cluster, `fix_command` repairs it."""
        self.broken: list[str] = []
        self._cluster = cluster
        self._mode = mode
        self._compared = compared
        self._fix_command = fix_command
        self._command = command
        self._began = time.monotonic()
        self._verdicts = Verdicts()
        self._repairer = Repairer(cluster, applier, mode, fix_command)
        self._judged: dict[tuple[str, str], Verdict] = {}

    @property
    def verdicts(self) -> list[Verdict]:
        """What was found, in the order in which it was judged."""
        return self._verdicts.in_order

    def judge(self, check: Check, node: Node | None, assertion: Callable[[], object], skip: Skip) -> Verdict:
        """Run one check to its verdict."""
        verdict = self._judged.pop((check.id, node.name), None) if node else None
        if verdict is None:
            judging = Judging(self._steps(check, node, assertion, skip))
            self._tell_of_repairs(check, [node.name if node else "cluster"] if judging.repair else [])
            verdict = judging.finish()
        self._verdicts.add(verdict)
        return verdict

    def record(self, verdict: Verdict) -> None:
        """Take a verdict that was not judged here: a change that was taken back."""
        self._verdicts.add(verdict)

    def record_broken(self, check: Check, place: str | None, error: BaseException) -> Verdict:
        """Take a check that ended outside of its assertion for unknown."""
        verdict = Verdict(check.id, check.step, check.title, place, Outcome.UNKNOWN)
        verdict.cause = self._broke("check", error, verdict)
        self._verdicts.add(verdict)
        return verdict

    def finish(self) -> list[Verdict]:
        """Take up the verdicts of nodes that were repaired together and whose turn did not come; return them."""
        left = list(self._judged.values())
        self._judged.clear()
        for verdict in left:
            self._verdicts.add(verdict)
        return left

    def _remedy(self, check: Check) -> str | None:
        """Tell the check's own remedy, with commands that are about this cluster."""
        return check.remedy and check.remedy.replace("`pytest runbook", f"`{self._command}")

    def judge_together(
        self, check: Check, nodes: Sequence[Node], assertion: Callable[[Node], object], skip: Skip
    ) -> None:
        """Run one check on several nodes, with their changes made at once; `judge` then has the verdicts to tell."""
        todo = [node for node in nodes if (check.id, node.name) not in self._judged]
        judgings = [Judging(self._steps(check, node, partial(assertion, node), skip)) for node in todo]
        self._tell_of_repairs(check, [node.name for node, one in zip(todo, judgings, strict=True) if one.repair])
        verdicts = finish_together(check.together or "workers", todo, judgings)
        self._judged.update({(check.id, node.name): verdict for node, verdict in zip(todo, verdicts, strict=True)})

    def _tell_of_repairs(self, check: Check, places: list[str]) -> None:
        if places and self._mode == "fix":
            self._cluster.tell(f"{named(places, of=self._cluster.size)}: repairing: {check.title}")

    def _steps(self, check: Check, node: Node | None, assertion: Callable[[], object], skip: Skip) -> Steps:
        started = time.monotonic()
        verdict = Verdict(check.id, check.step, check.title, node.name if node else None, Outcome.PASSED)
        verdict.started = started - self._began
        if isinstance(skip, str):
            verdict.outcome, verdict.cause = Outcome.SKIPPED, skip
        elif not self._blocked(check, node, verdict):
            if skip is None:
                yield from self._judge(check, node, assertion, verdict)
            else:
                verdict.outcome, verdict.cause = Outcome.UNKNOWN, str(skip)
            if verdict.outcome in STOPS_OTHERS and not verdict.follows_from:
                verdict.follows_from = self._explanations(check, node)
        verdict.seconds = time.monotonic() - started
        return verdict

    def _judge(self, check: Check, node: Node | None, assertion: Callable[[], object], verdict: Verdict) -> Repairs:
        planned = [other for other in self._verdicts.needed_by(check, node) if other.rests_on]
        self._assert(check, assertion, verdict)
        if not planned:
            self._let_settle(check, assertion, verdict)
        rest_on(verdict, planned, check.due_after)
        if verdict.outcome is Outcome.FAILED or (planned and verdict.outcome is Outcome.UNKNOWN):
            verdict.remedy, verdict.pending = self._remedy(check), any(other.pending for other in planned)
            if not verdict.unforeseen:
                yield from self._repair(check, node, assertion, verdict)
        wait_for(verdict, planned)

    def _blocked(self, check: Check, node: Node | None, verdict: Verdict) -> bool:
        """Fill the verdict of a check that cannot be judged, because its node or another check stands in the way."""
        silent = [one for one in ([node] if node else self._cluster.nodes) if one.trouble is not None]
        if silent:
            # The first check to hear of it says so, and blocks the others; one from before then explains nothing.
            told = next((other for other in self.verdicts if _tells_of(other, silent[0])), None)
            verdict.outcome, verdict.cause = Outcome.UNKNOWN, silent[0].trouble
            if told:
                verdict.block([told.place])
            return True
        needed = self._verdicts.needed_by(check, node)
        stopped = [other for other in needed if other.outcome in STOPS_OTHERS and not other.pending]
        if stopped:
            verdict.block(other.place for other in stopped)
            where = f" on {stopped[0].node}" if stopped[0].node else ""
            verdict.cause = f"not judged until this holds{where}: {as_clause(stopped[0].title)}"
        return bool(stopped)

    def _explanations(self, check: Check, node: Node | None) -> list[Place]:
        """Find the failures that explain one, mended in the plan or not: on the same node, and only then elsewhere."""
        wrong = STOPS_OTHERS | {Outcome.WOULD_FIX}
        near, known = (
            [other for other in found if other.outcome in wrong] for found in self._verdicts.explaining(check, node)
        )
        return [other.place for other in near or known]

    def _let_settle(self, check: Check, assertion: Callable[[], object], verdict: Verdict) -> None:
        """Run an assertion that does not hold again: once anyway, and more while there is a reason to wait."""
        if check.settles is None:
            return
        until = time.monotonic() + SETTLE_S
        # Facts that were read while something ended may not fit together.
        why: str | None = "it may have changed while it was read"
        told = None
        while verdict.outcome in (Outcome.FAILED, Outcome.UNKNOWN) and why is not None and time.monotonic() < until:
            if why != told:
                self._cluster.tell(f"{verdict.node or 'cluster'}: {why}; checking again: {check.title}")
            told = why
            time.sleep(LOOK_AGAIN_S)
            for node in self._cluster.nodes:
                node.forget()
            self._assert(check, assertion, verdict)
            why = self._unsettled(check.settles)

    def _unsettled(self, settles: Settles) -> str | None:
        try:
            with unnoted():
                return settles(self._cluster)
        except ClusterError:
            return None

    def _assert(self, check: Check, assertion: Callable[[], object], verdict: Verdict) -> None:
        """Run the assertion once and write down what came of it."""
        self._compared.value = None
        told_of = [node for node in self._cluster.nodes if verdict.node in (None, node.name)]
        for node in told_of:
            node.start_evidence()
        verdict.expected = verdict.found = verdict.cause = verdict.warning = None
        try:
            assertion()
            verdict.outcome = Outcome.PASSED
        except AssertionError as error:
            verdict.outcome = Outcome.FAILED
            verdict.cause = str(error).split("\nassert ", 1)[0].strip() if "\nassert " in str(error) else None
            if check.warns:
                verdict.outcome, verdict.cause, verdict.warning = Outcome.PASSED, None, verdict.cause or check.title
                verdict.remedy = self._remedy(check)
        except pytest.skip.Exception as reason:
            verdict.outcome, verdict.cause = Outcome.SKIPPED, str(reason)
        except ClusterError as error:
            verdict.outcome, verdict.cause = Outcome.UNKNOWN, str(error)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not take the rest of the run along
            verdict.outcome = Outcome.UNKNOWN
            verdict.cause = self._broke("check", error, verdict)
        last = self._compared.value
        if last is not None:
            verdict.expected, verdict.found = last.expected, last.found
        if check.threshold is not None:
            limit = self._cluster.thresholds.limit(check.threshold)
            figure = last.figure if last else None
            margin = None if figure is None else round(limit.margin(figure), 6)
            verdict.threshold = AppliedLimit(limit.name, limit.value, limit.good, limit.unit, limit.source, margin)
        verdict.evidence = evidence_of(told_of)

    def _broke(self, what: str, error: BaseException, verdict: Verdict) -> str:
        self.broken.append(f"{verdict.id} {verdict.node or 'cluster'}\n{''.join(traceback.format_exception(error))}")
        return f"the {what} itself broke ({type(error).__name__}: {error}); errors.txt has more"

    def _repair(self, check: Check, node: Node | None, assertion: Callable[[], object], verdict: Verdict) -> Repairs:
        """Plan what the fixer would change; with --fix make it so and run the same assertion again."""
        if check.fix is None:
            return
        fix = check.fix
        repair = Repair(
            lambda: fix(node or self._cluster), lambda changes: self._repairer.go_through(check, changes, verdict)
        )
        yield repair
        if (error := repair.error) is not None:
            verdict.outcome = Outcome.FIX_FAILED if self._mode == "fix" else Outcome.FAILED
            if isinstance(error, ClusterError) and self._mode != "fix":
                verdict.remedy = f"what --fix would change cannot be told: {error}"
            else:
                verdict.cause = str(error) if isinstance(error, ClusterError) else self._broke("fixer", error, verdict)
            return
        if not repair.permitted:
            return
        if self._mode == "fix":
            self._check_again(check, assertion, verdict)
        elif self._mode == "plan":
            verdict.outcome, verdict.pending = Outcome.WOULD_FIX, True
            verdict.remedy = self._fix_command
        elif verdict.changes:
            verdict.remedy = self._fix_command

    def _check_again(self, check: Check, assertion: Callable[[], object], verdict: Verdict) -> None:
        if not verdict.changes:
            return
        before = replace(verdict)
        self._assert(check, assertion, verdict)
        self._let_settle(check, assertion, verdict)
        if verdict.outcome is Outcome.PASSED:
            verdict.outcome, verdict.found, verdict.cause, verdict.remedy = (
                Outcome.FIXED,
                before.found,
                before.cause,
                None,
            )
        elif verdict.outcome is Outcome.FAILED:
            verdict.outcome = Outcome.FIX_FAILED
            verdict.remedy = "the change was made and did not help; --undo takes it back"


def _tells_of(other: Verdict, silent: Node) -> bool:
    """Whether a check found this very node silent; one about all nodes may have been the first to ask it."""
    here = other.node in (None, silent.name)
    return here and other.outcome is Outcome.UNKNOWN and other.cause == silent.trouble
