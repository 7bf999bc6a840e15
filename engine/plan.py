"""What a plan has announced so far, so that each change is planned once and on top of those before it."""

from engine.change import Change, WriteFile


class Plan:
    """The changes of a run with --plan; none is made."""

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
