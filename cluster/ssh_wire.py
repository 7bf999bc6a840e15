"""How paramiko is made to spend little on many short packets, as the answers of a node are."""

import socket
import threading
import time
from contextlib import suppress
from typing import Any

import paramiko

from cluster.connection import Kept

_PIECE = 2**13
"""Bytes; larger ones would gain nothing, and each of many connections keeps room for one."""

TURN_S = 0.2
"""What a command says is taken so often, and when it has ended."""
KILLED = 255
"""The exit status of a command that a signal ended, as ssh itself tells it; paramiko does not say which signal."""


class Buffered:
    """A socket that is read in large pieces.

    paramiko reads each packet in two or three parts, and with every one its threads compete for the interpreter anew.
    """

    def __init__(self, opened: socket.socket) -> None:
        """Stand before an open socket."""
        self._socket = opened
        self._held = b""
        self._at = 0

    def recv(self, count: int) -> bytes:
        """Return what is there already, at most so many bytes, or else wait for more.

        Raises:
            OSError: As the socket's own.
        """
        if self._at == len(self._held):
            self._held, self._at = self._socket.recv(_PIECE), 0
        piece = self._held[self._at : self._at + count]
        self._at += len(piece)
        return piece

    def __getattr__(self, name: str) -> Any:
        """Leave all else to the socket."""
        return getattr(self._socket, name)


def frugal_transport(sock: Any, **options: Any) -> paramiko.Transport:
    """Make a transport that prefers ciphers which authenticate as well: a digest apart is computed in Python."""
    made = paramiko.Transport(sock, **options)
    chosen = made.get_security_options()
    chosen.ciphers = tuple(sorted(chosen.ciphers, key=lambda name: "gcm" not in name))
    return made


def start_command(channel: paramiko.Channel, command: str, within_s: float) -> None:
    """Have a command started on a channel; where the node does not confirm it in time, the channel is closed.

    Raises:
        SSHException: It was not started.
        OSError: The same.
    """
    # paramiko waits for the confirmation without a limit, and for nothing else than that or the end of the channel.
    late = threading.Timer(within_s, channel.close)
    late.daemon = True
    late.start()
    try:
        channel.exec_command(command)
    finally:
        late.cancel()


def drain(channel: paramiko.Channel, out: Kept, err: Kept, until: float) -> int | None:
    """Read both streams to their end; return the exit status, or None past the deadline or on a broken connection."""
    while (left := until - time.monotonic()) > 0:
        # Asked before what is there to be read: what comes meanwhile comes before the end.
        ended, closed = channel.exit_status_ready() and channel.eof_received, channel.closed
        if channel.recv_ready():
            out.feed(channel.recv(65536))
        elif channel.recv_stderr_ready():
            err.feed(channel.recv_stderr(65536))
        elif ended:
            return channel.exit_status if channel.exit_status != -1 else KILLED
        elif closed:
            return channel.exit_status if channel.exit_status != -1 else None
        elif channel.exit_status_ready():
            # Not before: whoever sends it input would have no longer for that either.
            channel.settimeout(min(left, TURN_S))
            with suppress(TimeoutError):
                out.feed(channel.recv(65536))
        else:
            # Not for each packet, of which there are hundreds: to wake for them was most of the work.
            channel.status_event.wait(min(left, TURN_S))
    return None
