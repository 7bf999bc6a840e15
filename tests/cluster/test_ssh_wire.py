"""Many short packets cost little: a socket read in large pieces, and ciphers that need no digest."""

import socket
from collections.abc import Callable

import paramiko
import pytest

from cluster.ssh import SshConnection
from cluster.ssh_wire import Buffered
from tests.cluster.sshd import Sshd


@pytest.fixture
def ends() -> tuple[socket.socket, Buffered]:
    near, far = socket.socketpair()
    return far, Buffered(near)


def test_what_came_together_is_given_in_the_parts_that_are_asked_for(ends: tuple[socket.socket, Buffered]) -> None:
    far, near = ends
    far.sendall(b"0123456789")
    assert [near.recv(4), near.recv(1), near.recv(100)] == [b"0123", b"4", b"56789"]
    far.sendall(b"more")
    far.close()
    assert [near.recv(100), near.recv(100)] == [b"more", b""]


def test_one_read_of_the_socket_serves_many(ends: tuple[socket.socket, Buffered]) -> None:
    far, near = ends
    far.sendall(b"0123456789")
    assert near.recv(1) == b"0"
    near.settimeout(0.05)
    assert b"".join(near.recv(3) for _ in range(3)) == b"123456789"
    with pytest.raises(TimeoutError):
        near.recv(1)


@pytest.mark.parametrize(
    ("taken_away", "is_chosen"),
    [((), lambda cipher: "gcm" in cipher), (("gcm",), lambda cipher: "ctr" in cipher)],
)
def test_a_cipher_that_authenticates_as_well_is_chosen_where_there_is_one(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch, taken_away: tuple[str, ...], is_chosen: Callable[[str], bool]
) -> None:
    left = tuple(name for name in paramiko.Transport._preferred_ciphers if not any(one in name for one in taken_away))  # type: ignore[attr-defined]  # the stubs leave it out
    monkeypatch.setattr(paramiko.Transport, "_preferred_ciphers", left)
    connection = SshConnection(sshd.target)
    connection.open()
    transport = connection.client.get_transport()
    assert transport is not None
    assert is_chosen(transport.remote_cipher)  # type: ignore[attr-defined]  # the same
    assert connection.run("echo here", stdin=b"", deadline_s=10).out == "here\n"
    connection.close()
