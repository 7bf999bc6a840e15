"""The one exception that is told to the user as it stands."""


class RefusalError(Exception):
    """A reason not to train, in one sentence: what, where, what to do."""
