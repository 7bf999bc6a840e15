"""A change: one reversible thing done to one node, described before it is done and undone from the journal alone."""

import difflib
import hashlib
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

from cluster.node import Node
from engine.files import FileState, read_file, write_file
from engine.undo_step import RestoreFile, UndoCommand, UndoStep

Flag = Literal[
    "activate-node",
    "end-live-restore",
    "install-toolkit",
    "leave-swarm",
    "open-firewall",
    "recreate-stack",
    "remove-models",
    "remove-node",
    "restart-docker",
]
"""What `--allow` takes."""


@dataclass(frozen=True)
class Consent:
    """A disruptive change is made only with `--allow FLAG`; `consequence` is the clause that says what comes of it."""

    flag: Flag
    consequence: str


@dataclass(eq=False)
class Change(ABC):
    """One reversible unit."""

    node: Node
    _: KW_ONLY
    consent: Consent | None = None
    taken_up_by: str | None = None
    """The command that makes the node take up such changes; undo runs it once, after putting them back."""
    foreseeable: bool = True
    """Whether a plan can tell how the node is afterwards; if not, what depends on it is judged only when it is made."""
    undo_asks: Flag | None = None
    """The `--allow` that undo takes where something runs by then that it would end."""

    @property
    def risk(self) -> str:
        """`safe` or `disruptive`."""
        return "disruptive" if self.consent else "safe"

    @abstractmethod
    def describe(self) -> str:
        """Say exactly what will be done: a unified diff, or the command."""

    @abstractmethod
    def undo(self) -> list[UndoStep]:
        """Say how to take it back; called before it is applied, so this is where the state before is read."""

    @abstractmethod
    def apply(self) -> None:
        """Do it and return when it has taken effect.

        Raises:
            ClusterError: It could not be done.
        """


@dataclass(eq=False)
class WriteFile(Change):
    """Give a file new content, atomically; mode and owner stay as they are unless given.

    `made_from` is the file as it was read to make the content, where it was.
    """

    path: str
    content: bytes
    mode: int | None = None
    owner: str | None = None
    root: bool = True
    made_from: FileState | None = None

    @cached_property
    def before(self) -> FileState:
        """The file as it is now."""
        return self.made_from or read_file(self.node, self.path, root=self.root)

    def describe(self) -> str:
        """Show the difference as a unified diff."""
        old = (self.before.content or b"").decode("utf-8", "replace")
        new = self.content.decode("utf-8", "replace")
        source = "/dev/null" if self.before.content is None else self.path
        lines = difflib.unified_diff(
            old.splitlines(),
            new.splitlines(),
            f"{self.node.name}:{source}",
            f"{self.node.name}:{self.path}",
            lineterm="",
        )
        told = "\n".join(lines)
        mode = f"mode {self.before.mode or 'none'} -> {self.mode:o}" if self.mode is not None else ""
        return told or f"{self.node.name}:{self.path} {mode}".rstrip()

    def undo(self) -> list[UndoStep]:
        """Keep the bytes, mode and owner from before."""
        before = self.before
        return [
            RestoreFile(
                self.path,
                self.root,
                content=None if before.content is None else b64encode(before.content).decode(),
                mode=before.mode,
                owner=before.owner,
                after=hashlib.sha256(self.content).hexdigest(),
                made=before.missing_directories,
            )
        ]

    def apply(self) -> None:
        """Write beside the file and rename.

        Raises:
            ClusterError: It could not be written, or was edited since it was read.
        """
        mode = f"{self.mode:o}" if self.mode is not None else self.before.mode
        owner = self.owner or self.before.owner
        write_file(self.node, self.path, self.content, self.before, mode=mode, owner=owner, root=self.root)


@dataclass(eq=False)
class RunCommand(Change):
    """Run one command; `undo_command` must be harmless where the command was never run.

    `undo_stands` is a command that only reads; where it fails nothing is left to undo, and nobody is asked.
    """

    command: str
    undo_command: str | None = None
    root: bool = True
    reconnect: bool = False
    deadline_s: float | None = None
    takes_up: bool = False
    """Whether it makes the node take up earlier changes, which are put back if it fails."""
    undo_stands: str = ""

    def describe(self) -> str:
        """Show the command as it is run."""
        return f"{self.node.name}$ {'sudo ' if self.root else ''}{self.command}"

    def undo(self) -> list[UndoStep]:
        """Name the command that takes it back, if there is one."""
        if not self.undo_command:
            return []
        deadline_s = max(UndoCommand.deadline_s, self.deadline_s or 0)
        return [UndoCommand(self.undo_command, self.root, deadline_s, self.undo_stands)]

    def apply(self) -> None:
        """Run it, and take a fresh session where that is needed to see the effect."""
        self.node.change(self.command, root=self.root, deadline_s=self.deadline_s)
        if self.reconnect:
            self.node.reconnect()


@dataclass(eq=False)
class Call(Change):
    """A change made through an API instead of a shell, so that secrets never stand in a command.

    `undo_stands` is a command that only reads; where it fails nothing is left to undo, and nobody is asked.
    """

    words: str
    do: Callable[[], None]
    undo_command: str | None = None
    undo_stands: str = ""

    def describe(self) -> str:
        """Show the command it stands for."""
        return f"{self.node.name}$ {self.words}"

    def undo(self) -> list[UndoStep]:
        """Name the command that takes it back, if there is one."""
        return [UndoCommand(self.undo_command, root=True, stands=self.undo_stands)] if self.undo_command else []

    def apply(self) -> None:
        """Call the API."""
        self.do()


@dataclass(eq=False)
class Instruction(Change):
    """What only a person can do: never applied, always told."""

    words: str

    @property
    def risk(self) -> str:
        """Always `human`."""
        return "human"

    def describe(self) -> str:
        """Tell the person what to do."""
        return self.words

    def undo(self) -> list[UndoStep]:
        """Nothing is done, so nothing is undone."""
        return []

    def apply(self) -> None:
        """Refuse.

        Raises:
            NotImplementedError: Always; the engine never applies an instruction.
        """
        raise NotImplementedError(f"only a person can do this: {self.words}")


Changes = Iterator[Change | Sequence[Change]]
"""Changes in their order; those that come together are made on all their nodes at once, on each in their order."""


def together(changes: Iterable[Iterable[Change]]) -> list[Change]:
    """Put the changes of several nodes together, to be made on all of them at once."""
    return list(chain.from_iterable(changes))
