"""What a check came to, and what that means for readiness."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reports.outcome import Outcome

GOOD = frozenset({Outcome.PASSED, Outcome.FIXED})
WRONG = frozenset({Outcome.FAILED, Outcome.WOULD_FIX, Outcome.FIX_FAILED})
STOPS_OTHERS = frozenset({Outcome.FAILED, Outcome.FIX_FAILED, Outcome.BLOCKED, Outcome.UNKNOWN})


@dataclass(frozen=True)
class Evidence:
    """One command a verdict rests on; `exit` is None when it never ended."""

    command: str
    exit: int | None
    output: str


@dataclass(frozen=True)
class Place:
    """One check in one place; node is None where it is about the cluster."""

    id: str
    node: str | None


@dataclass
class ReportedChange:
    """One change as the report tells it: a diff or a command, its risk (safe, disruptive, human), if it was done.

    `node` is the one that is changed where that is not the check's own.
    """

    describe: str
    risk: str
    applied: bool
    node: str | None = None


@dataclass(frozen=True)
class AppliedLimit:
    """The limit that a check held something to; `margin` is what was to spare, negative where it was broken."""

    name: str
    value: float
    good: str
    unit: str
    source: str
    margin: float | None


@dataclass
class Verdict:
    """What a check found on one node, or on the cluster when `node` is None."""

    id: str
    step: int
    title: str
    node: str | None
    outcome: Outcome
    expected: str | None = None
    found: str | None = None
    cause: str | None = None
    remedy: str | None = None
    warning: str | None = None
    """Why a check that only warns does not hold; its outcome is passed."""
    threshold: AppliedLimit | None = None
    blocked_by: list[str] = field(default_factory=list)
    follows_from: list[Place] = field(default_factory=list)
    """What stands in its way, or explains it, place by place."""
    changes: list[ReportedChange] = field(default_factory=list)
    started: float | None = None
    """In seconds since the run began."""
    seconds: float = 0.0
    evidence: list[Evidence] = field(default_factory=list)
    pending: bool = False
    """In a plan: it would come true by changes that are only planned so far. Not part of the report."""
    rests_on: list[Place] = field(default_factory=list)
    """In a plan: the checks whose planned changes it rests on, itself among them. Not part of the report."""
    unforeseen: bool = False
    """In a plan: it rests on a change of which nobody can tell before what it brings about. Not part of the report."""

    @property
    def place(self) -> Place:
        """Which check it is, and where."""
        return Place(self.id, self.node)

    def block(self, places: Iterable[Place]) -> None:
        """Become blocked, by the checks in these places."""
        self.outcome = Outcome.BLOCKED
        self.follows_from = list(places)
        self.blocked_by = sorted({place.id for place in self.follows_from})


def is_ready(outcomes: Iterable[Outcome]) -> bool:
    """Ready: something was judged, and all that was judged passed or was fixed."""
    judged = [outcome for outcome in outcomes if outcome is not Outcome.SKIPPED]
    return bool(judged) and all(outcome in GOOD for outcome in judged)


def exit_status(outcomes: Iterable[Outcome]) -> int:
    """0 ready; 1 something is wrong; 6 nothing is wrong, but something could not be judged."""
    told = list(outcomes)
    if is_ready(told):
        return 0
    return 1 if any(outcome in WRONG for outcome in told) else 6
