"""Many short packets cost little: a socket read in large pieces, and ciphers that need no digest."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import paramiko
import pytest

from cluster.connection import Kept
from cluster.errors import Unreachable
from cluster.ssh import SshConnection
from cluster.ssh_wire import Buffered, drain
from tests.sshd import Sshd


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


class Late:
    """A channel on which the last of the output and the end come while its reader looks."""

    closed = eof_received = False
    exit_status = 0

    def __init__(self) -> None:
        """Nothing has come."""
        self.left = b""

    def exit_status_ready(self) -> bool:
        """Tell that it has ended; before that, the rest comes."""
        if not self.eof_received:
            self.left, self.eof_received = b"the end", True
        return True

    def recv_ready(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.left)

    def recv_stderr_ready(self) -> bool:
        """There is never any."""
        return False

    def recv(self, _: int) -> bytes:
        """Give it."""
        given, self.left = self.left, b""
        return given

    def settimeout(self, _: float) -> None:
        """Do nothing: it never waits."""


def test_what_comes_with_the_end_is_not_lost() -> None:
    out, err = Kept(), Kept()
    assert drain(Late(), out, err, time.monotonic() + 5) == 0  # type: ignore[arg-type]  # all that is asked of one
    assert (out.bytes(), err.bytes()) == (b"the end", b"")


class Stuck(paramiko.ServerInterface):
    """An sshd that opens channels and then gets stuck: it never says whether it has started a command."""

    def __init__(self) -> None:
        """Be stuck until told."""
        self.free = threading.Event()

    def check_auth_publickey(self, *_: object) -> int:
        """Let everybody in."""
        return paramiko.common.AUTH_SUCCESSFUL

    def get_allowed_auths(self, _: str) -> str:
        """By a key."""
        return "publickey"

    def check_channel_request(self, *_: object) -> int:
        """Open every channel."""
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, *_: object) -> bool:
        """Get stuck."""
        self.free.wait(30)
        return False


def test_a_command_whose_start_is_never_confirmed_is_given_up_in_time(sshd: Sshd) -> None:
    stuck, host_key = Stuck(), paramiko.RSAKey.generate(2048)
    known_hosts = sshd.folder / "known_hosts_of_stuck"
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            transport = paramiko.Transport(door.accept()[0])
            transport.add_server_key(host_key)
            transport.start_server(server=stuck)

        threading.Thread(target=serve, daemon=True).start()
        port = door.getsockname()[1]
        known_hosts.write_text(f"[127.0.0.1]:{port} {host_key.get_name()} {host_key.get_base64()}\n")
        connection = SshConnection(replace(sshd.target, port=port, known_hosts=known_hosts, connect_timeout_s=10.0))
        connection.open()
    started = time.monotonic()
    with pytest.raises(Unreachable, match=r"stopped answering: is the node still up\?$"):
        connection.run("true", stdin=b"", deadline_s=1)
    assert time.monotonic() - started < 5
    stuck.free.set()
    connection.close()
