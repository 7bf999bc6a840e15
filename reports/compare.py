"""What changed between two runs, check by check and place by place."""

from dataclasses import dataclass

from reports.history import Entry
from reports.outcome import Outcome


@dataclass(frozen=True)
class Turn:
    """One check in one place that ended otherwise; None where one of the runs did not have it."""

    check: str
    place: str
    before: Outcome | None
    after: Outcome | None

    @property
    def worse(self) -> bool:
        """Whether it needs attention now and did not before."""
        now = self.after is not None and self.after.needs_attention
        return now and not (self.before is not None and self.before.needs_attention)


def turns(before: Entry, after: Entry) -> list[Turn]:
    """Return what ended otherwise, what got worse first."""
    found = []
    for name in dict.fromkeys([*after.outcomes, *before.outcomes]):
        earlier, later = before.outcomes.get(name), after.outcomes.get(name)
        if earlier is not later:
            check, _, place = name.partition("@")
            found.append(Turn(check, place, earlier, later))
    return sorted(found, key=lambda turn: not turn.worse)
