"""What a run changed, or, of a plan, would change."""

from collections import Counter
from collections.abc import Iterable

from reports.model import Change, Check, Report
from reports.text import counted, first_line

Told = tuple[int, Check, Change]
"""A change with its check, and the check's position in the file."""

_RISKS = {
    "safe": "safe",
    "disruptive": "disruptive, made only with the `--allow` that the check names",
    "human": "for a person to make",
}


def is_planned(report: Report) -> bool:
    """Whether its changes are only told, and none was made."""
    return report.run.mode == "plan"


def told_changes(report: Report) -> list[Told]:
    """Return the changes that were made; of a plan, all that it tells."""
    return [
        (position, check, change)
        for position, check in report.located
        for change in check.changes
        if change.applied or is_planned(report)
    ]


def changed_nodes(changes: Iterable[Told]) -> list[str | None]:
    """Return the nodes that are changed, each once; None where it is told of the cluster alone."""
    return list(dict.fromkeys(change.node or check.node for _, check, change in changes))


def sum_of(report: Report) -> str:
    """Return how many changes were made, or would be, and of what risk, in a sentence."""
    found = told_changes(report)
    risks: Counter[str] = Counter(change.risk for _, _, change in found)
    told = "; ".join(f"{risks[risk]:,} {word}" for risk, word in _RISKS.items() if risks[risk])
    if is_planned(report):
        return f"{counted(len(found), 'change')} would be made: {told}."
    return f"{counted(len(found), 'change')} {'was' if len(found) == 1 else 'were'} made."


def shared_remedy(report: Report) -> str | None:
    """Return the remedy that all causes have, if there are several and it is the same."""
    remedies = {cause.remedy for cause in report.diagnosis}
    return remedies.pop() if len(report.diagnosis) > 1 and len(remedies) == 1 else None


def headline(describe: str) -> str:
    """Return a change in one line: the file of a diff, or the first line of the command."""
    for line in describe.splitlines():
        if line.startswith("+++ "):
            return first_line(line.removeprefix("+++ "), 100)
    return first_line(describe, 100)
