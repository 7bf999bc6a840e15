"""What a plan has announced so far, and what can be said of checks that rest on changes which are only planned."""

from collections.abc import Collection, Sequence

from engine.change import Change, WriteFile
from engine.outcome import Verdict
from reports.outcome import Outcome


class Plan:
    """The changes of a run with --plan: each is planned once, on top of those before it, and none is made."""

    def __init__(self) -> None:
        """Begin with nothing planned."""
        self._told: set[tuple[str, str]] = set()

    def add(self, change: Change) -> bool:
        """Add a change; False when the changes planned before bring it about already."""
        if isinstance(change, WriteFile):
            if change.node.planned.get(change.path) == change.content:
                return False
            change.node.planned[change.path] = change.content
            return True
        told = (change.node.name, change.describe())
        if told in self._told:
            return False
        self._told.add(told)
        return True


def rest_on(verdict: Verdict, planned: Sequence[Verdict], due_after: Collection[str]) -> None:
    """Note what a check rests on that is only planned; one that is `due_after` such a repair fails, though it held."""
    verdict.rests_on = list(dict.fromkeys(place for other in planned for place in other.rests_on))
    verdict.unforeseen = any(other.unforeseen for other in planned)
    if verdict.outcome is Outcome.PASSED and any(other.pending and other.id in due_after for other in planned):
        verdict.outcome, verdict.cause = Outcome.FAILED, "what is planned before it has to be taken up"
        verdict.expected = verdict.found = None


def wait_for(verdict: Verdict, planned: Sequence[Verdict]) -> None:
    """Block a check that cannot be judged before what it rests on is made, and let others rest on it in their turn."""
    if verdict.outcome is Outcome.FAILED and any(told.risk == "disruptive" for told in verdict.changes):
        # What rests on it waits for a person, also where something before it is planned.
        verdict.pending, verdict.rests_on = False, []
    elif planned and verdict.outcome not in (Outcome.PASSED, Outcome.WOULD_FIX, Outcome.SKIPPED):
        # In a plan nothing has been changed yet, so what rests on a planned change cannot be judged.
        verdict.pending, verdict.remedy, verdict.changes = True, None, []
        verdict.block(other.place for other in [one for one in planned if one.pending] or planned)
        verdict.follows_from = verdict.rests_on
        verdict.cause = "it can be judged when the changes planned before it are made"
    elif verdict.outcome is Outcome.WOULD_FIX:
        if not verdict.changes:
            # All that it takes is planned already, for what it comes from.
            verdict.follows_from = verdict.rests_on
        verdict.rests_on = [verdict.place, *verdict.rests_on]
