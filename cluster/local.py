"""This machine as a node: commands run here, without SSH."""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from cluster.connection import BEAT, HeldCommand, Input, Kept, Said, pieces
from cluster.errors import Unreachable


class LocalConnection:
    """Runs commands on this machine; there is nothing to connect to."""

    def open(self) -> None:
        """Do nothing: we are there."""

    def reopen(self) -> None:
        """Do nothing: a process cannot take up groups it was not started with."""

    def mend(self) -> None:
        """Do nothing: nothing can break."""

    def close(self) -> None:
        """Do nothing: nothing is held."""

    def give_up(self) -> None:
        """Do nothing: this machine has no connection that could hang."""

    def run(
        self, command: str, *, stdin: Input, deadline_s: float, on_line: Callable[[str], None] | None = None
    ) -> Said:
        """Run a command with /bin/sh in a process group of its own, so that giving it up ends all of it."""
        started = time.monotonic()
        process = _start(command)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        feeder = threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True)
        feeder.start()
        out, err = Kept(on_line), Kept()
        in_time = _drain({process.stdout: out, process.stderr: err}, started + deadline_s)
        if in_time:
            try:
                process.wait(max(0.0, started + deadline_s - time.monotonic()) + 0.1)
            except subprocess.TimeoutExpired:
                in_time = False
        if not in_time:
            _end(process)
        feeder.join(1)
        for stream in (process.stdout, process.stderr):
            stream.close()
        seconds = time.monotonic() - started
        return Said(command, process.returncode if in_time else None, out.bytes(), err.bytes(), seconds)

    def hold(self, command: str, *, stdin: bytes, deadline_s: float) -> HeldCommand:
        """Start a command and keep it until released."""
        process = _start(command)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(stdin)
        process.stdin.flush()
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            if not ready.select(deadline_s):
                _end(process)
                raise Unreachable(f"this machine did not answer within {deadline_s:g} s.")
        return _HeldProcess(process, process.stdout.readline().decode("utf-8", "replace").strip())


class _HeldProcess:
    def __init__(self, process: subprocess.Popen[bytes], first_line: str) -> None:
        self.first_line = first_line
        self._process = process

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def beat(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):  # it has ended, or was let go meanwhile
            self._process.stdin.write(BEAT)
            self._process.stdin.flush()

    def release(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=5)


def _start(command: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(["/bin/sh", "-c", command], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)


def _feed(pipe: IO[bytes], data: Input) -> None:
    try:
        for piece in pieces(data):
            pipe.write(piece)
        pipe.close()
    except (BrokenPipeError, ValueError):
        return  # the command did not want all of its input


def _drain(streams: dict[IO[bytes], Kept], until: float) -> bool:
    with selectors.DefaultSelector() as ready:
        for stream in streams:
            ready.register(stream, selectors.EVENT_READ)
        while ready.get_map():
            events = ready.select(max(0.0, until - time.monotonic()))
            if not events or time.monotonic() > until:
                return False
            for key, _ in events:
                stream = next(stream for stream in streams if stream is key.fileobj)
                if data := os.read(stream.fileno(), 65536):
                    streams[stream].feed(data)
                else:
                    ready.unregister(stream)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # it ended by itself, or sudo owns it and ends when its pipes close
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        return  # stuck in the kernel: the deadline is worth more than the zombie
