"""The Python packages of the training workload, installed once and mounted into every container."""

import platform
import sys
from pathlib import Path
from typing import Final

from lab.build import follow, once, recipe_key
from lab.cuda_torch import cuda_libraries
from lab.errors import LabError
from lab.places import cache_dir
from lab.progress import Step

REQUIREMENTS: Final = Path(__file__).parent.parent / "workloads" / "requirements.txt"
PYTHON: Final = (3, 11)
"""The training image's Python."""


def foreign(version: str) -> tuple[str, ...]:
    """What pip needs to be told to install for a Python that it does not run in."""
    return (f"--python-version={version}", "--implementation=cp", "--only-binary=:all:")


FOREIGN: Final = foreign("3.11")


def pinned(requirements: str) -> str:
    """The lines of a requirements file that matter, without comments: a new comment is no reason to install again."""
    lines = (line.partition("#")[0].strip() for line in requirements.splitlines())
    return "\n".join(line for line in lines if line)


def place() -> Path:
    """Where the packages are in the cache, or will be.

    Raises:
        LabError: if the requirements cannot be read.
    """
    try:
        requirements = REQUIREMENTS.read_text()
    except OSError as error:
        raise LabError(f"{REQUIREMENTS} cannot be read: {error.strerror}.") from error
    return cache_dir() / f"python-{recipe_key(pinned(requirements), platform.machine())}"


def training_packages() -> Path:
    """The directory of installed packages in the cache, made on first use (about 1.5 GB with a CPU build of torch).

    Which torch that is, pip decides by the user's own configuration: an index of CPU builds saves several GB.

    Raises:
        LabError: if the requirements are missing or pip fails.
    """

    def make(target: Path, work: Step) -> None:
        other = () if sys.version_info[:2] == PYTHON else FOREIGN
        command = [sys.executable, "-m", "pip", "install", "--no-input", "--target", str(target), *other]
        # The list is closed: without --no-deps pip would add CUDA libraries of several GB that a CPU build needs not.
        follow([*command, "--no-deps", "--requirement", str(REQUIREMENTS)], work, _stage, target.parent)
        if libraries := cuda_libraries(target):
            follow([*command, *libraries], work, _stage, target.parent)

    return once(place(), "Installing the training packages", "one to ten minutes, once", make)


def _stage(line: str) -> str | None:
    if line.startswith("Collecting "):
        return f"collecting {line.split()[1]}"
    return "installing" if line.startswith("Installing collected packages") else None
