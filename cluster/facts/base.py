"""A fact: one read-only command and how to understand what it says; what cannot be read is UNKNOWN, never false."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from cluster.errors import UnknownFact

if TYPE_CHECKING:
    from cluster.node import Node

T = TypeVar("T")

NOT_SHOWN = "(not shown: it may hold passwords)"

_NOTED = ContextVar("noted", default=True)


@contextmanager
def unnoted() -> Iterator[None]:
    """Read facts for the duration without noting them as evidence of the check that happens to run meanwhile."""
    token = _NOTED.set(False)
    try:
        yield
    finally:
        _NOTED.reset(token)


class ParseError(Exception):
    """What a command said cannot be understood; the message says what was expected."""


@dataclass(frozen=True)
class Reading:
    """What one probe brought back: exit is None when it was never finished, and `missing` then says why."""

    command: str
    exit: int | None
    out: str
    err: str
    missing: str | None = None


@dataclass(frozen=True)
class Probe:
    """One read-only shell command; `root` when only root may see the answer, given up after `timeout_s` seconds."""

    name: str
    command: str
    root: bool
    timeout_s: float


class Fact(Generic[T]):
    """A field of a Facts class; reading it gives the parsed value or raises UnknownFact with the reason."""

    def __init__(
        self,
        command: "str | Callable[[Node], str]",
        parse: Callable[[Reading], T],
        root: bool,
        timeout_s: float,
        private: bool,
    ) -> None:
        """Use `fact` instead, which is typed by the value."""
        self._command = command
        self._parse = parse
        self._root = root
        self._timeout_s = timeout_s
        self._private = private
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the field's own name."""
        self.name = name

    def probe(self, node: "Node") -> Probe:
        """Build the command for one node."""
        command = self._command if isinstance(self._command, str) else self._command(node)
        return Probe(self.name, command, self._root, self._timeout_s)

    def __get__(self, facts: "Facts | None", owner: type) -> T:
        """Return the value.

        Raises:
            UnknownFact: The command could not be run, did not end, or said something that cannot be understood.
        """
        if facts is None:
            return self  # type: ignore[return-value]  # on the class itself the descriptor is what one wants
        reading = facts.readings[self.name]
        facts.note(replace(reading, out=NOT_SHOWN) if self._private and reading.out else reading)
        if reading.missing is not None:
            raise UnknownFact(reading.missing)
        if self.name not in facts.parsed:
            facts.parsed[self.name] = self._understand(reading)
        found = facts.parsed[self.name]
        if isinstance(found, ParseError):
            why = str(found).rstrip(".")
            raise UnknownFact(f"`{_short(reading.command)}` on {facts.node.name}: {why}.")
        return found  # type: ignore[no-any-return]  # it is what our own parser made

    def _understand(self, reading: Reading) -> T | ParseError:
        try:
            return self._parse(reading)
        except ParseError as error:
            return error


def fact(
    command: "str | Callable[[Node], str]",
    parse: Callable[[Reading], T],
    *,
    root: bool = False,
    timeout_s: float = 10.0,
    private: bool = False,
) -> T:
    """Declare a field of a Facts class by the command that answers it and the parser that understands the answer.

    What a `private` fact says may hold the passwords of others, so it is judged by and never shown.
    """
    return Fact(command, parse, root, timeout_s, private)  # type: ignore[return-value]  # a descriptor: reads as T


def contents(path: str) -> str:
    """Build the command that prints a file; one that is not there is empty, one that cannot be read is an error."""
    return f"cat {path} 2>/dev/null || test ! -e {path}"


class Facts:
    """What one node said about one subject; every subclass is one read-only script."""

    about_peers: ClassVar[bool] = False
    """Whether it rests on the other nodes as well, and is out of date once something changes there."""
    is_local: ClassVar[bool] = False
    """Whether no peer can change what it says: an answer stands even if one was changed while it was asked for."""

    def __init__(self, node: "Node", readings: dict[str, Reading]) -> None:
        """Keep what the node said; it is parsed when it is asked for."""
        self.node = node
        self.readings = readings
        self.parsed: dict[str, Any] = {}
        """What was understood, or the ParseError, by the name of the fact; each is parsed once."""
        self.span = (0.0, 0.0)
        """When the node was asked and when its answer was there, by our clock, in seconds since 1970."""

    @property
    def answered(self) -> bool:
        """Whether the node told anything of it."""
        return any(reading.missing is None for reading in self.readings.values())

    def note(self, reading: Reading) -> None:
        """Note a reading as evidence of the check that runs."""
        if _NOTED.get():
            self.node.note(reading)

    @classmethod
    def probes(cls, node: "Node") -> list[Probe]:
        """List the commands that answer this subject on one node, in the order they are declared."""
        return [fact.probe(node) for fact in vars(cls).values() if isinstance(fact, Fact)]


def _short(command: str) -> str:
    line = " ".join(command.split())
    return line if len(line) <= 60 else line[:57] + "..."
