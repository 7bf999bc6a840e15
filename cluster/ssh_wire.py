"""How paramiko is made to spend little on many short packets, as the answers of a node are."""

import socket
from typing import Any

import paramiko

_PIECE = 2**13
"""Bytes; larger ones would gain nothing, and each of many connections keeps room for one."""


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
