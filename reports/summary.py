"""What the checks add up to: the verdict, and the counts."""

import re
from collections import Counter
from enum import StrEnum

from reports.model import Check, Report
from reports.outcome import Outcome
from reports.text import counted


class Verdict(StrEnum):
    """The answer to the one question a run is asked."""

    READY = "READY"
    READY_IN_PART = "READY, as far as asked"
    NOT_READY = "NOT READY"
    NOT_SURE = "NOT SURE"
    INTERRUPTED = "INTERRUPTED"
    TAKEN_BACK = "TAKEN BACK"
    NOT_ALL_TAKEN_BACK = "NOT ALL TAKEN BACK"

    @property
    def is_ready(self) -> bool:
        """Whether all that was asked holds."""
        return self in {Verdict.READY, Verdict.READY_IN_PART}


def verdict(report: Report) -> Verdict:
    """Return the verdict; READY only where the file says so and no check in it speaks against it.

    Where so many nodes were enough, checks of the others do not. Of a part of all checks it says that it is one.
    """
    if report.run.interrupted:
        return Verdict.INTERRUPTED
    ready = Verdict.READY if report.run.whole else Verdict.READY_IN_PART
    if report.run.ready and report.run.min_ready is not None:
        return ready
    outcomes = {check.outcome for check in report.checks}
    if report.run.mode == "undo":
        return Verdict.NOT_ALL_TAKEN_BACK if Outcome.FIX_FAILED in outcomes else Verdict.TAKEN_BACK
    if any(outcome.is_failure for outcome in outcomes):
        return Verdict.NOT_READY
    open_question = not outcomes or outcomes & {Outcome.UNKNOWN, Outcome.BLOCKED}
    return ready if report.run.ready and not open_question else Verdict.NOT_SURE


def counts(checks: tuple[Check, ...]) -> list[tuple[Outcome, int]]:
    """Return how many checks came to each outcome, worst first, leaving out those that did not occur."""
    found = Counter(check.outcome for check in checks)
    return [(outcome, found[outcome]) for outcome in Outcome if found[outcome]]


def sentence(report: Report) -> str:
    """Return what happened in a sentence or two: "60 checks: 2 failed, 7 blocked, 51 passed."."""
    if report.run.mode == "undo":
        then = "Run `pytest runbook` to see whether the cluster is ready."
        if report.run.interrupted:
            then = "The undo was interrupted; run it again to take back what is left."
        return f"{_undid(report)}{_taken_back(report.checks)} {then}"
    told = f"{_told(report.checks)}{_warnings(report)}{_nodes(report)}"
    if report.run.interrupted:
        return f"{told} The run was interrupted; what follows is incomplete."
    return told if report.run.whole else f"{told} Only a part of all checks was selected."


def _warnings(report: Report) -> str:
    number = sum(check.warning is not None for check in report.checks)
    return f" {counted(number, 'warning')}." if number else ""


def _nodes(report: Report) -> str:
    ready, nodes, enough = report.run.nodes_ready, len(report.nodes), report.run.min_ready
    if not ready or ready >= nodes:
        return ""
    told = f"; {enough:,} {'is' if enough == 1 else 'are'} enough" if enough else ""
    return f" {ready:,} of {nodes:,} nodes {'is' if ready == 1 else 'are'} ready{told}."


def _undid(report: Report) -> str:
    found = re.search(r"--undo[= ](\d{8}-\d{6}-[a-z]+(?:-\d+)?)(?=\s|$)", report.run.command or "")
    return f"Undid run {found[1]}: " if found else ""


def _taken_back(changes: tuple[Check, ...]) -> str:
    left = sum(change.outcome is Outcome.FIX_FAILED for change in changes)
    stand = f", {left:,} still {'stands' if left == 1 else 'stand'}" if left else ""
    return f"{counted(len(changes) - left, 'change')} taken back{stand}."


def _told(checks: tuple[Check, ...]) -> str:
    if not checks:
        return "No check was run."
    if all(check.outcome is Outcome.PASSED for check in checks):
        return f"{counted(len(checks), 'check')}, and every one passed."
    outcomes = ", ".join(f"{number:,} {outcome.word}" for outcome, number in counts(checks))
    return f"{counted(len(checks), 'check')}: {outcomes}."
