"""Looking at paths that a person gave: what may not be looked at, or is too long for a name, is not there."""

import os
from pathlib import Path

# Before Python 3.14 the methods of Path raise for those.


def exists(path: Path) -> bool:
    """Whether something is there."""
    return os.path.exists(path)  # noqa: PTH110 - see above


def is_file(path: Path) -> bool:
    """Whether a file is there, or a link to one."""
    return os.path.isfile(path)  # noqa: PTH113 - see above


def is_directory(path: Path) -> bool:
    """Whether a directory is there, or a link to one."""
    return os.path.isdir(path)  # noqa: PTH112 - see above
