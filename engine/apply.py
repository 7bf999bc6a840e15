"""Making a change: asked for, written down, done, and put back where it does not hold."""

from collections.abc import Callable, Collection

from cluster.errors import ClusterError, CommandFailed
from cluster.node import Node
from engine.change import Change, Instruction, RunCommand
from engine.journal import Journal, JournalError
from engine.undo import take_back, take_up

Keep = Callable[[Node, Journal, int], None]
"""Keeps the record of the change of that number, which just began, elsewhere as well."""


class Applier:
    """Applies the changes of one run."""

    def __init__(self, journal: Journal, allowed: frozenset[str], keep: Keep | None = None) -> None:
        """Write to `journal`, and `keep` each record elsewhere; what is disruptive takes its flag in `allowed`."""
        self._journal = journal
        self._allowed = allowed
        self._keep = keep

    def refuses(self, change: Change) -> bool:
        """Whether a change may not be made: only a person can make it, or has to allow it."""
        if isinstance(change, Instruction):
            return True
        return change.consent is not None and change.consent.flag not in self._allowed

    def apply(self, check: str, step: int, change: Change) -> None:
        """Make one change.

        Raises:
            ClusterError: It could not be made; what it was to make effective has been put back.
        """
        number = self._journal.begin(check, step, change)
        if self._keep is not None:
            try:
                self._keep(change.node, self._journal, number)
            except ClusterError:
                self._journal.mark(number, "undone")  # it was not made: undo would take back what is somebody else's
                raise
        try:
            with change.node.changes_allowed():
                change.apply()
        except ClusterError as error:
            if isinstance(change, RunCommand) and change.takes_up:
                error = self._put_back(change, error)
            raise self._with_mark(number, "failed", error) from None
        self._journal.mark(number, "done")

    def _with_mark(self, number: int, state: str, error: ClusterError) -> ClusterError:
        """Mark a change; where that cannot be written, the error tells of both."""
        try:
            self._journal.mark(number, state)
        except JournalError as unwritten:
            return error if str(unwritten) in str(error) else CommandFailed(f"{error} {unwritten}")
        return error

    def _put_back(self, change: RunCommand, error: ClusterError) -> ClusterError:
        """Undo this run's changes that the failed command should have made effective, and let the node take that up."""
        mine = [
            record
            for record in reversed(self._journal.records())
            if record.to_undo and record.node == change.node.name and record.taken_up_by == change.command
        ]
        told: ClusterError = CommandFailed(f"{error} The old state was put back and works.")
        back = []
        try:
            for record in mine:
                take_back(change.node, record)
                back.append(record)
            take_up(change.node, change.command)
        except ClusterError as second:
            told = CommandFailed(f"{error} Putting the old state back failed, too: {second}")
        # Only now: a journal that cannot be written any more must not leave the node half put back.
        for record in back:
            told = self._with_mark(record.number, "undone", told)
        return told


def what_is_asked(refused: Collection[Change], fix_command: str) -> str:
    """Say what a person has to do for changes that were refused, all that comes of them among it."""
    asked = [change.describe() for change in refused if isinstance(change, Instruction)]
    consequences: dict[str, dict[str, None]] = {}
    for change in refused:
        if change.consent:
            consequences.setdefault(change.consent.flag, {})[change.consent.consequence] = None
    for flag, each in consequences.items():
        asked.append(f"rerun with `{fix_command} --allow {flag}` if it is all right that {', and that '.join(each)}")
    return "; ".join(dict.fromkeys(asked))
