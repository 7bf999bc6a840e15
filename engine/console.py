"""A console that may be closed while something is said on it."""

import os
from contextlib import suppress
from pathlib import Path

from rich.console import Console


class LastingConsole(Console):
    """Goes on when its other end is closed: `--fix | head` has not asked for half a repair."""

    def on_broken_pipe(self) -> None:
        """Say nothing more."""
        self.quiet = True
        closed, unseen = os.fstat(self.file.fileno()), os.open(os.devnull, os.O_WRONLY)
        # pytest keeps copies of standard output, and would end with an error of its own for what is left in them.
        for descriptor in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
            with suppress(OSError):
                if os.path.samestat(os.fstat(descriptor), closed):
                    os.dup2(unseen, descriptor)
        os.close(unseen)
