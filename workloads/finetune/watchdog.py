"""Ends a rank that waits too long or is told to stop, with a word, whatever it is blocked in.

A rank that waits for a dead peer sits inside a collective, where Python runs no signal handler and raises no
exception; with NCCL the process would end by SIGABRT. A thread can still speak.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from .metrics import Metrics

TICK_S = 0.5
BLAME_S = 10.0
EXIT_FAILED = 1
EXIT_TERMINATED = 128 + signal.SIGTERM


class Watchdog:
    """Watches one rank from a thread of its own; start it before torch is imported.

    Once the ranks are one job, `blame` is a function that says for whom this one waits.

    SIGTERM is blocked in the calling thread, and so in every thread started later, and taken by the watchdog.
    """

    def __init__(self, metrics: Metrics) -> None:
        """Start watching, with no limit yet."""
        self._metrics = metrics
        self.blame: Callable[[], str] | None = None
        self._lock = threading.Lock()
        self.expect("start", None)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def expect(self, doing: str, limit_s: float | None, late: str | None = None) -> None:
        """Say what the rank does now and how long it may take, in seconds; None for as long as it likes.

        `late` is what is wrong when it takes longer; without it, another rank is.
        """
        with self._lock:
            self.doing = doing
            self._late = late
            self._limit_s = limit_s
            self._since = time.monotonic()

    def _watch(self) -> None:
        while True:
            if signal.sigtimedwait({signal.SIGTERM}, TICK_S):
                die(self._metrics, f"stopped by SIGTERM while {self.doing}", EXIT_TERMINATED)
            with self._lock:
                doing, limit_s, waited_s = self.doing, self._limit_s, time.monotonic() - self._since
                late = self._late
            if limit_s is not None and waited_s > limit_s:
                if late is not None:
                    die(self._metrics, f"{late} ({doing} took more than {limit_s:.0f} s)", EXIT_FAILED)
                die(self._metrics, f"waited {limit_s:.0f} s while {doing}: {self._reason()}", EXIT_FAILED)

    def _reason(self) -> str:
        """What the others' marks say of whom this rank waits for; asking may hang like everything else."""
        found = ["another rank is gone, hangs or was never started"]

        def ask(blame: Callable[[], str]) -> None:
            with contextlib.suppress(Exception):
                found.append(blame())

        if self.blame:
            asking = threading.Thread(target=ask, args=[self.blame], daemon=True)
            asking.start()
            asking.join(BLAME_S)
        return found[-1]


def die(metrics: Metrics, message: str, status: int) -> NoReturn:
    """Tell the error as an event and as one sentence on stderr, and end the process at once.

    The interpreter is not wound down: destroying a process group whose peer is gone can block for ever.
    """
    try:
        metrics.emit("error", message=message)
        print(f"finetune: rank {metrics.rank}: {message}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)
