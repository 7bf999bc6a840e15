"""A node reached by SSH: one paramiko connection for the whole run."""

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from shlex import quote

import paramiko
from paramiko.config import SSH_PORT

from cluster.connection import BEAT, HeldCommand, Input, Kept, Said, pieces
from cluster.errors import Unreachable
from cluster.known_hosts import trust
from cluster.ssh_errors import explain
from cluster.ssh_target import Target
from cluster.ssh_wire import Buffered, drain, frugal_transport, start_command
from cluster.threads import broken_off

# What it logs as an error it raises as well, and there it becomes a sentence; a traceback would reach the user.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

KEEPALIVE_S = 15
RELEASE_S = 2


_AT_A_JUMP_HOST = threading.BoundedSemaphore(8)
"""Of those that have not yet proven who they are, sshd turns some away when there are ten."""


class SshConnection:
    """Commands on a node, over one SSH connection that stays open."""

    def __init__(self, target: Target) -> None:
        """Remember where to connect; nothing is sent yet."""
        self._target = target
        self._client: paramiko.SSHClient | None = None
        self._jumps: list[paramiko.SSHClient] = []
        self._earlier: list[paramiko.SSHClient] = []
        self._mending = threading.Lock()
        self._silent: paramiko.SSHClient | None = None
        self._lost: str | None = None
        self._given_up = False

    @property
    def client(self) -> paramiko.SSHClient:
        """The open paramiko client, for what runs beside commands (the docker SDK).

        Raises:
            Unreachable: The connection is not open.
        """
        if self._client is None or not self._is_up:
            raise self._unreachable(self._gone)
        return self._client

    @property
    def _gone(self) -> str:
        if self._given_up:
            return f"{self._target.place} had not answered when the run was interrupted."
        return f"the connection to {self._target.place} is gone: is the node still up?"

    def _unreachable(self, why: str) -> Unreachable:
        """Say why it failed, or raise the interrupt in whose name it was given up: what was begun is left as it is."""
        if broken_off():
            raise KeyboardInterrupt
        return Unreachable(self._gone if self._given_up else why)

    @property
    def _is_up(self) -> bool:
        transport = self._client.get_transport() if self._client else None
        return transport is not None and transport.is_active()

    def open(self) -> None:
        """Connect, through the jump hosts where there are some, and check every host key strictly."""
        if not self._given_up:
            self._client = _connect(self._target, self._through(self._target.jump))
        if self._given_up:
            self.give_up()
            raise self._unreachable(self._gone)

    def _through(self, jump: Target | None) -> paramiko.SSHClient | None:
        if jump is None:
            return None
        before = self._through(jump.jump)
        with _AT_A_JUMP_HOST:
            client = _connect(jump, before)
        self._jumps.append(client)
        return client

    def reopen(self) -> None:
        """Connect again; the old connection stays until `close`, for what it holds: the lock of a run, say."""
        if self._client is not None:
            self._earlier += [self._client, *reversed(self._jumps)]
        self._client, self._jumps = None, []
        self.open()

    def mend(self) -> None:
        """Connect again where the connection broke; of several who ask at once, one does it, for better or worse."""
        with self._mending:
            if self._lost is not None:
                raise self._unreachable(self._lost)
            # One that was cut without a word still looks open.
            if not self._is_up or self._client is self._silent:
                try:
                    self.reopen()
                except Unreachable as error:
                    self._lost = str(error)
                    raise

    def close(self) -> None:
        """Close the connection, those it jumps through, and those that were open before."""
        if self._client is not None:
            self._client.close()
        for other in [*reversed(self._jumps), *self._earlier]:
            other.close()
        self._client, self._jumps, self._earlier = None, [], []

    def give_up(self) -> None:
        """Close it for good: commands under way break off, and nothing connects again."""
        self._given_up = True
        self._lost = self._gone
        self.close()

    def run(
        self, command: str, *, stdin: Input, deadline_s: float, on_line: Callable[[str], None] | None = None
    ) -> Said:
        """Run a command on a channel of its own, reading both streams as they come."""
        started = time.monotonic()
        out, err = Kept(on_line), Kept()
        # An end of input that reaches sshd after the channel has ended makes it drop the whole connection, and paramiko
        # cannot keep the two in order. A command that gets no input needs to be told of no end.
        channel = self._channel(command if stdin else f"{command} </dev/null", deadline_s)
        try:
            if stdin:
                threading.Thread(target=_feed, args=(channel, stdin), daemon=True).start()
            status = drain(channel, out, err, started + deadline_s)
        except (OSError, paramiko.SSHException):
            status = None
        finally:
            channel.close()
        if status is None and (self._given_up or broken_off()):
            raise self._unreachable(self._gone)
        if status is None and time.monotonic() < started + deadline_s:
            how = _how_it_ended(channel.get_transport())
            raise Unreachable(f"the connection to {self._target.place} broke off ({how}): is the node still up?")
        return Said(command, status, out.bytes(), err.bytes(), time.monotonic() - started)

    def hold(self, command: str, *, stdin: bytes, deadline_s: float) -> HeldCommand:
        """Start a command and keep its channel open until released."""
        channel = self._channel(command, deadline_s)
        channel.settimeout(deadline_s)
        line = bytearray()
        try:
            channel.sendall(stdin)
            while not line.endswith(b"\n") and (byte := channel.recv(1)):
                line += byte
        except (OSError, paramiko.SSHException):
            channel.close()
            raise self._unreachable(f"{self._target.place} did not answer within {deadline_s:g} s.") from None
        return _HeldChannel(channel, line.decode("utf-8", "replace").strip())

    def _channel(self, command: str, deadline_s: float) -> paramiko.Channel:
        client = self.client
        transport = client.get_transport()
        assert transport is not None  # `client` raised otherwise
        patience_s = min(deadline_s, self._target.connect_timeout_s)
        try:
            channel = transport.open_session(timeout=patience_s)
            start_command(channel, command, patience_s)
        except (OSError, EOFError, paramiko.SSHException):
            self._silent = client
            raise self._unreachable(f"{self._target.place} stopped answering: is the node still up?") from None
        return channel


class _HeldChannel:
    def __init__(self, channel: paramiko.Channel, first_line: str) -> None:
        self.first_line = first_line
        self._channel = channel

    @property
    def runs(self) -> bool:
        return not self._channel.closed and not self._channel.exit_status_ready()

    def beat(self) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.sendall(BEAT)

    def release(self) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.shutdown_write()
            self._channel.status_event.wait(RELEASE_S)  # not recv_exit_status, which waits for a dead node for ever
        self._channel.close()


def _feed(channel: paramiko.Channel, data: Input) -> None:
    with suppress(OSError, EOFError, paramiko.SSHException):
        # One after the other: paramiko copies all that is left of what it is given for every packet.
        for piece in pieces(data):
            channel.sendall(piece)
        channel.shutdown_write()


def _how_it_ended(transport: paramiko.Transport) -> str:
    if transport.is_active():
        return "of one command alone"
    match transport.saved_exception:
        case None | EOFError():
            return "the other end closed it"
        case OSError() as error:
            return error.strerror or str(error)
        case error:
            return str(error)


def _connect(target: Target, jump: paramiko.SSHClient | None) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    try:
        trust(client, target)
        client.connect(
            target.host_key_alias or target.host.lower(),
            port=SSH_PORT if target.host_key_alias else target.port,  # the socket is given; this is for known_hosts
            username=target.user,
            key_filename=[str(key) for key in target.keys] or None,  # type: ignore[arg-type]  # the stubs forget lists
            timeout=target.connect_timeout_s,
            banner_timeout=target.connect_timeout_s,
            auth_timeout=target.connect_timeout_s,
            sock=_socket(target, jump),  # type: ignore[arg-type]  # anything that is read and written like a socket will do
            transport_factory=frugal_transport,
        )
    except Unreachable:
        client.close()
        raise
    except Exception as error:  # noqa: BLE001 - paramiko lets a dozen unrelated types escape; each becomes a sentence
        client.close()
        raise Unreachable(explain(target, error)) from None
    transport = client.get_transport()
    assert transport is not None  # connect() succeeded
    transport.set_keepalive(KEEPALIVE_S)
    return client


def _socket(target: Target, jump: paramiko.SSHClient | None) -> "Buffered | paramiko.Channel | paramiko.ProxyCommand":
    if jump is not None:
        transport = jump.get_transport()
        assert transport is not None  # an open client has one
        return transport.open_channel(
            "direct-tcpip", (target.host, target.port), ("127.0.0.1", 0), timeout=target.connect_timeout_s
        )
    if target.proxy_command is not None:
        # As ssh does: by a shell, which is gone when the command runs.
        return paramiko.ProxyCommand(f"/bin/sh -c {quote('exec ' + target.proxy_command.removeprefix('exec '))}")
    opened = socket.create_connection((target.host, target.port), timeout=target.connect_timeout_s)
    # Without it every command waits out the delayed acknowledgement, some 40 ms.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Buffered(opened)
