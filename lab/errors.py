"""The one error a user of the lab sees."""


class LabError(Exception):
    """Why a command of the lab cannot go on, in one sentence that says what to do; ends in exit status 2."""
