"""The journal: what a run changed and how to take it back, on disk before anything is touched."""

import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cluster.errors import ClusterError
from cluster.paths import is_file
from engine.change import Change
from engine.undo_step import STEPS, UndoStep

FILE = "journal.jsonl"


class JournalError(ClusterError):
    """A journal cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Record:
    """One change of a run; `state` is begun, done, failed or undone."""

    number: int
    check: str
    step: int
    node: str
    describe: str
    risk: str
    undo: tuple[UndoStep, ...]
    taken_up_by: str | None
    state: str
    undo_asks: str | None = None

    @property
    def to_undo(self) -> bool:
        """Whether the change may stand on the node: one that began may have happened before we were stopped."""
        return self.state in ("begun", "done", "failed") and bool(self.undo)


class Journal:
    """One run's journal: an append-only file of JSON lines, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        """Use a journal file; it appears with the first record."""
        self.path = path
        self._numbers = count(1)
        self._begun: dict[int, bytes] = {}
        self._appending = threading.Lock()

    def begin(self, check: str, step: int, change: Change) -> int:
        """Write down a change before it is made and return its number.

        Raises:
            JournalError: It cannot be written, so nothing may be changed.
        """
        number = next(self._numbers)
        self._begun[number] = self._append(
            {
                "number": number,
                "state": "begun",
                "check": check,
                "step": step,
                "node": change.node.name,
                "describe": change.describe(),
                "risk": change.risk,
                "undo": [asdict(step) for step in change.undo()],
                "taken_up_by": change.taken_up_by,
                "undo_asks": change.undo_asks,
            }
        )
        return number

    def begun(self, number: int) -> bytes:
        """Return the record with which a change of this run began, as it stands in the file."""
        return self._begun[number]

    def take_over(self, entries: Iterable[dict[str, Any]]) -> None:
        """Begin a journal with all records that were kept elsewhere, put into the order in which they were made."""
        whole = b"".join(map(_line, sorted(entries, key=itemgetter("number"))))
        half = self.path.with_suffix(".half")
        half.unlink(missing_ok=True)  # what a killed run left of an earlier attempt would stand before it
        with self._written(half) as descriptor:
            _write(descriptor, whole)
        half.rename(self.path)

    def mark(self, number: int, state: str) -> None:
        """Write down that a change is done, failed or undone."""
        self._append({"number": number, "state": state})

    def records(self) -> list[Record]:
        """Read all changes, each with its latest state.

        Raises:
            JournalError: The file is damaged elsewhere than in its last line, which a killed run may leave unfinished.
        """
        found: dict[int, dict[str, Any]] = {}
        try:
            for entry in self._entries():
                found.setdefault(entry["number"], {}).update(entry)
            return [Record(**{**entry, "undo": STEPS.validate_python(entry["undo"])}) for entry in found.values()]
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
            raise JournalError(f"{self.path} tells no way back that is known here: {wrong['msg']}.") from None
        except (KeyError, TypeError) as error:
            raise JournalError(f"{self.path} is not a journal of ours: {type(error).__name__} {error}.") from None

    def _entries(self) -> Iterator[dict[str, Any]]:
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise JournalError(f"{self.path} cannot be read: {error.strerror}; run as who owns it.") from None
        *lines, _cut_off = content.split(b"\n")  # what the last one announces was not begun
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except ValueError:
                raise JournalError(
                    f"{self.path}:{number} is damaged: move the file away, and --undo takes the copies that the nodes "
                    "keep."
                ) from None

    def _append(self, entry: dict[str, Any]) -> bytes:
        with self._appending:
            return self._append_alone(entry)

    def _append_alone(self, entry: dict[str, Any]) -> bytes:
        line = _line(entry)
        with self._written(self.path) as descriptor:
            _drop_cut_off_line(descriptor)
            _write(descriptor, line)
        return line

    @contextmanager
    def _written(self, path: Path) -> Iterator[int]:
        """Give a descriptor to write to; afterwards all is on disk, the file's name too."""
        try:
            new = not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                yield descriptor
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if new:
                directory = os.open(path.parent, os.O_RDONLY)
                os.fsync(directory)
                os.close(directory)
        except OSError as error:
            raise JournalError(
                f"the journal {self.path} cannot be written ({error.strerror}), and what is in no journal could not be "
                "taken back."
            ) from None


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def _write(descriptor: int, data: bytes) -> None:
    """Write all of it or nothing: a disk that is nearly full takes a part."""
    before = os.fstat(descriptor).st_size
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        os.ftruncate(descriptor, before)
        raise


def _drop_cut_off_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        os.ftruncate(descriptor, os.pread(descriptor, size, 0).rfind(b"\n") + 1)


def find_journal(report_dir: Path, run_id: str) -> Journal:
    """Find a run's journal by its id.

    Raises:
        JournalError: There is no such run, or it changed nothing; the message lists those that can be taken back.
    """
    # A link, such as `latest`, stands for the run whose name its nodes know.
    path = Path(os.path.realpath(report_dir / run_id)) / FILE
    if run_id == Path(run_id).name and is_file(path):
        return Journal(path)
    known = sorted(found.parent.name for found in report_dir.glob(f"*/{FILE}") if not found.parent.is_symlink())
    choice = f"these can be taken back: {', '.join(known)}" if known else "no run there has changed anything"
    raise JournalError(f"no run {run_id} with changes is in {report_dir}; {choice}.")
