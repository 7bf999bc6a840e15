"""A check on its way to its verdict: it stops where something is to be repaired, which may go on at several nodes."""

from collections.abc import Callable, Generator, Sequence

from cluster.node import Node
from cluster.threads import on_each
from engine.change import Changes
from engine.check import Together
from engine.outcome import Verdict
from reports.outcome import Outcome

AT_ONCE = {"nodes": 32, "workers": 4, "quorum": 32, "after_one": 32}
"""So many are repaired at once: what workers take, they take from the same few peers."""


class Repair:
    """What is to be done before a check is judged again; it keeps what came of it, since a thread may do it."""

    def __init__(self, fix: Callable[[], Changes], go_through: Callable[[Changes], bool]) -> None:
        """Prepare; `go_through` makes the changes that `fix` yields, and returns whether there are any and all may be.

        Both may raise what they like.
        """
        self._fix = fix
        self._go_through = go_through
        self._done = False
        self.permitted = False
        self.error: Exception | None = None

    def plan(self) -> None:
        """Have all changes worked out now: what is changed elsewhere meanwhile could be mistaken for the cluster."""
        try:
            planned = list(self._fix())
        except Exception as error:  # noqa: BLE001 - whoever judges tells of it, mistakes of ours as well
            self._done, self.error = True, error
        else:
            self._fix = lambda: iter(planned)

    def run(self) -> None:
        """Make the changes, once."""
        if self._done:
            return
        self._done = True
        try:
            self.permitted = self._go_through(self._fix())
        except Exception as error:  # noqa: BLE001 - whoever judges tells of it, mistakes of ours as well
            self.error = error


Repairs = Generator[Repair, None, None]
Steps = Generator[Repair, None, Verdict]
"""Judges a check up to its verdict, and gives its repair away on the way."""


class Judging:
    """One check on one node, or on the cluster."""

    def __init__(self, steps: Steps) -> None:
        """Judge it up to its repair, if it needs one."""
        self._steps = steps
        self.repair: Repair | None = None
        self._verdict: Verdict | None = None
        self._go_on()

    def _go_on(self) -> None:
        try:
            self.repair = next(self._steps)
        except StopIteration as end:
            self.repair, self._verdict = None, end.value

    def finish(self) -> Verdict:
        """Repair it where that is not done yet, and judge it again."""
        while self.repair is not None:
            self.repair.run()
            self._go_on()
        assert self._verdict is not None  # nothing is left to repair
        return self._verdict


def finish_together(together: Together, nodes: Sequence[Node], judgings: Sequence[Judging]) -> list[Verdict]:
    """Repair several at once, each on its node, then judge them again; returns their verdicts, in their order."""
    repairs = [(node, one.repair) for node, one in zip(nodes, judgings, strict=True) if one.repair is not None]
    if together == "after_one":
        for _, repair in repairs:
            repair.plan()
        for one in judgings:
            if one.repair is not None and one.finish().outcome is Outcome.FIXED:
                break
    on_each(lambda one: one[1].run(), repairs, lambda one: one[0].connection.give_up(), AT_ONCE[together])
    return [one.finish() for one in judgings]
