"""The run as a table of steps and places, and as steps with their checks grouped."""

from collections import defaultdict
from dataclasses import dataclass

from reports.model import Check, Located, Report
from reports.outcome import Outcome
from reports.summary import counts

CLUSTER = "cluster"


@dataclass(frozen=True)
class Cell:
    """The checks of one step in one place, in a run of this mode; worst is None where none was run."""

    place: str
    checks: tuple[Check, ...]
    mode: str

    @property
    def worst(self) -> Outcome | None:
        """The outcome that the cell is shown by."""
        return min((check.outcome for check in self.checks), key=list(Outcome).index, default=None)

    @property
    def share(self) -> str:
        """How many of the checks came to the worst outcome, "1/5"; empty where all did, or none needs a word."""
        alike = sum(check.outcome is self.worst for check in self.checks)
        calm = self.worst in {Outcome.PASSED, Outcome.SKIPPED}
        return "" if calm or alike == len(self.checks) else f"{alike}/{len(self.checks)}"

    @property
    def told(self) -> str:
        """The cell in words: "1 failed, 4 passed"."""
        return (
            ", ".join(f"{number:,} {outcome.word_in(self.mode)}" for outcome, number in counts(self.checks))
            or "not run"
        )


@dataclass(frozen=True)
class Group:
    """One check in all places where it came to one outcome, warned or not; entries are (position, check)."""

    title: str
    id: str
    outcome: Outcome
    warned: bool
    entries: tuple[Located, ...]

    @property
    def reason(self) -> str | None:
        """Why it was not judged, if it was not and the reason is the same in all places."""
        causes = {check.cause for _, check in self.entries}
        unjudged = self.outcome in {Outcome.BLOCKED, Outcome.SKIPPED}
        return causes.pop() if unjudged and len(causes) == 1 else None

    @property
    def brief(self) -> bool:
        """Whether there is so little to tell that each place fits into one row."""
        calm = self.outcome in {Outcome.PASSED, Outcome.BLOCKED, Outcome.SKIPPED} and not self.warned
        return calm and not any(check.changes or check.remedy for _, check in self.entries)


@dataclass(frozen=True)
class Row:
    """One check in every place, in the order of `places`: (position in the file, check), None where it was not run."""

    title: str
    id: str
    entries: tuple[Located | None, ...]

    @property
    def needs_attention(self) -> bool:
        """Whether a person has something to do about it in any place."""
        return any(entry.check.outcome.needs_attention for entry in self.entries if entry)


@dataclass(frozen=True)
class StepView:
    """A step of the playbook: cells and rows in the order of `places`, and groups, those that need attention first."""

    number: int
    title: str
    cells: tuple[Cell, ...]
    rows: tuple[Row, ...]
    groups: tuple[Group, ...]


def places(report: Report) -> list[str]:
    """Return the columns: the cluster if it has checks of its own, then the nodes, as listed or as met."""
    nodes = dict.fromkeys([node.name for node in report.nodes])
    nodes |= dict.fromkeys([check.node for check in report.checks if check.node is not None])
    whole = [CLUSTER] if any(check.node is None for check in report.checks) else []
    return whole + list(nodes)


def steps(report: Report) -> list[StepView]:
    """Return every step that the file lists or a check names, in the playbook's order."""
    titles = {check.step: f"Step {check.step}" for check in report.checks}
    titles |= {step.number: step.title for step in report.steps}
    columns = places(report)
    return [_step(report, number, titles[number], columns) for number in sorted(titles)]


def _step(report: Report, number: int, title: str, columns: list[str]) -> StepView:
    entries = [entry for entry in report.located if entry.check.step == number]
    together: dict[str, list[Check]] = defaultdict(list)
    for _, check in entries:
        together[check.place].append(check)
    cells = tuple(Cell(place, tuple(together[place]), report.run.mode) for place in columns)
    return StepView(number, title, cells, _rows(entries, columns, report.run.mode), _groups(entries))


def _rows(entries: list[Located], columns: list[str], mode: str) -> tuple[Row, ...]:
    together: dict[str, dict[str, Located]] = {}
    for entry in entries:
        check = entry.check
        # An undo tells several changes of one check in one place; the first that needs attention stands for them.
        placed = together.setdefault(check.id, {})
        if check.place not in placed or check.outcome.needs_attention:
            placed[check.place] = entry
    return tuple(
        # What an undo tells is titled by a change, which is another one in every place.
        Row(
            check_id if mode == "undo" else next(iter(placed.values())).check.title,
            check_id,
            tuple(placed.get(column) for column in columns),
        )
        for check_id, placed in together.items()
    )


def _groups(entries: list[Located]) -> tuple[Group, ...]:
    together: dict[tuple[str, str, Outcome, bool], list[Located]] = {}
    for entry in entries:
        check = entry.check
        key = (check.title, check.id, check.outcome, check.warning is not None)
        together.setdefault(key, []).append(entry)
    groups = [Group(*key, tuple(members)) for key, members in together.items()]
    return tuple(sorted(groups, key=lambda group: (not group.outcome.needs_attention, not group.warned)))
