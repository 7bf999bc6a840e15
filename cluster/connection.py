"""What every way of reaching a node offers, and what a command brings back."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

KEPT_BYTES = 8 * 2**20
"""Of each stream at most this much is kept; the rest is read and dropped, so that no command can fill our memory."""


Input = bytes | Iterable[bytes]
"""What a command reads: all of it, or piece by piece where it is more than memory should hold."""

_PIECE = 2**16
"""Bytes."""


def pieces(data: Input) -> Iterator[bytes]:
    """Give the input of a command piece by piece."""
    if isinstance(data, bytes):
        yield from (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))
    else:
        yield from data


@dataclass(frozen=True)
class Said:
    """What a command said: its exit status (None when it had to be given up), its streams as bytes, its duration."""

    command: str
    exit: int | None
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def out(self) -> str:
        """The standard output as text."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def err(self) -> str:
        """The standard error as text."""
        return self.stderr.decode("utf-8", "replace")


class HeldCommand(Protocol):
    """A command that runs for as long as we hold it; it ends when its standard input does."""

    first_line: str

    @property
    def runs(self) -> bool:
        """Whether it still runs, as far as is known here."""

    def beat(self) -> None:
        """Send it a line, by which it knows that it is still held; nothing is told where that cannot be done."""

    def release(self) -> None:
        """Let the command end."""


BEAT = b"held\n"
"""What a command is sent for as long as it is held."""


class Connection(Protocol):
    """One open way to a node, used for the whole run."""

    def open(self) -> None:
        """Connect, or raise Unreachable with a sentence that says what to do."""

    def run(self, command: str, *, stdin: Input, deadline_s: float, on_line: Callable[[str], None] | None) -> Said:
        """Run one shell command; past its deadline it is given up and `exit` is None.

        Raises:
            Unreachable: The connection broke.
        """

    def hold(self, command: str, *, stdin: bytes, deadline_s: float) -> HeldCommand:
        """Start a command that prints one line and then waits for its standard input to end."""

    def reopen(self) -> None:
        """Connect anew, so that the node gives us a fresh session (group membership is read at login)."""

    def mend(self) -> None:
        """Connect again where the connection broke.

        Raises:
            Unreachable: The node does not let us in any more.
        """

    def close(self) -> None:
        """Disconnect."""

    def give_up(self) -> None:
        """Disconnect for good: commands under way break off, and nothing connects again."""


class Kept:
    """The first bytes of a stream, up to the limit; what comes after is counted and dropped."""

    def __init__(self, on_line: Callable[[str], None] | None = None) -> None:
        """Collect bytes; call `on_line` with every whole line as it arrives."""
        self._kept = bytearray()
        self._line = bytearray()
        self._on_line = on_line

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if (room := KEPT_BYTES - len(self._kept)) > 0:
            self._kept += data[:room]
        if self._on_line is None:
            return
        *lines, rest = (bytes(self._line) + data).split(b"\n")
        self._line = bytearray(rest[-KEPT_BYTES:])
        for line in lines:
            self._on_line(line.decode("utf-8", "replace"))

    def bytes(self) -> bytes:
        """Return what was kept."""
        return bytes(self._kept)
