"""How a change is taken back, as plain data, so that the journal alone is enough; engine/undo.py goes through it."""

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter


@dataclass(frozen=True)
class RestoreFile:
    """Give a file back what it was, unless it is no longer what the change made of it.

    `content` is in base64, None where there was no file; `mode` is octal, `owner` uid:gid. `after` is the SHA-256 of
    what the change wrote, `made` the directories that it made for the file, the deepest first.
    """

    path: str
    root: bool
    content: str | None
    mode: str | None
    owner: str | None
    after: str
    made: list[str]
    do: Literal["restore"] = "restore"


@dataclass(frozen=True)
class UndoCommand:
    """Run a command, as root or as the login user, and give it up after `deadline_s` seconds.

    `stands` is a command that only reads; where it fails, `command` finds nothing to do and nobody has to be asked.
    """

    command: str
    root: bool
    deadline_s: float = 120
    stands: str = ""
    do: Literal["run"] = "run"


UndoStep = RestoreFile | UndoCommand

STEPS: TypeAdapter[tuple[UndoStep, ...]] = TypeAdapter(tuple[UndoStep, ...])
"""Reads steps from a journal, and refuses what is none of them."""
