"""Running a program whose failure ends the command."""

import subprocess
from collections.abc import Sequence

from lab.errors import LabError


def check(command: Sequence[str], *, feed: str | None = None) -> str:
    """Run a command to its end and return what it printed.

    Args:
        command: program and arguments.
        feed: text for its standard input.

    Raises:
        LabError: if it fails, with the last line of what it said.
    """
    done = subprocess.run(command, input=feed, text=True, capture_output=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise LabError(f"`{' '.join(command)}` ended with status {done.returncode}: {said}")
    return done.stdout
