"""What a rank tells: one JSON object a line, on stdout and in a file of its own."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from typing import TYPE_CHECKING

from .refusal import RefusalError

if TYPE_CHECKING:
    from pathlib import Path


class Metrics:
    """Tells events of one rank, each flushed at once, so that the last line says what the rank was doing.

    Args:
        folder: where `metrics-rank{R}.jsonl` is appended to; made if need be.
        rank: as the launcher gave it, since events are told before the process group exists.

    Raises:
        RefusalError: the folder cannot be written.
    """

    def __init__(self, folder: Path, rank: int) -> None:
        """Open the rank's file."""
        self.rank = rank
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / f"metrics-rank{rank}.jsonl").open("a", encoding="utf-8")
        except OSError as error:
            raise RefusalError(f"{folder}: the output folder cannot be written: {error.strerror}") from error

    def emit(self, event: str, **fields: object) -> None:
        """Tell one event; `time` is in seconds since the epoch."""
        line = json.dumps({"event": event, "rank": self.rank, "time": round(time.time(), 3), **fields}) + "\n"
        with self._lock:
            # In one piece: print() writes the newline by itself, and what others say can come between.
            sys.stdout.write(line)
            sys.stdout.flush()
            # Who watches has heard of it; a full disk must not keep a rank from saying why it ends.
            with contextlib.suppress(OSError):
                self._file.write(line)
                self._file.flush()

    def phase(self, name: str) -> None:
        """Tell what the rank does next, so that a watcher can say what a silent one was last doing."""
        self.emit("phase", phase=name)
