"""A node reached by SSH: one paramiko connection for the whole run."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from select import select

import paramiko

from cluster.connection import Held, Kept, Said
from cluster.errors import Unreachable

KEEPALIVE_S = 15


@dataclass(frozen=True)
class Target:
    """Where a node's SSH is and who we are there, with ssh_config already looked up."""

    name: str
    host: str
    port: int
    user: str | None
    keys: tuple[Path, ...]
    known_hosts: Path
    accept_new: bool
    connect_timeout_s: float
    jump: "Target | None" = None
    proxy_command: str | None = None
    host_key_alias: str | None = None

    @property
    def place(self) -> str:
        """The node's name and door, for sentences."""
        return f"{self.name} ({self.host} port {self.port})"


class SshConnection:
    """Commands on a node, over one SSH connection that stays open."""

    def __init__(self, target: Target) -> None:
        """Remember where to connect; nothing is sent yet."""
        self._target = target
        self._client: paramiko.SSHClient | None = None
        self._jump: paramiko.SSHClient | None = None

    @property
    def client(self) -> paramiko.SSHClient:
        """The open paramiko client, for what runs beside commands (the docker SDK).

        Raises:
            Unreachable: The connection is not open.
        """
        transport = self._client.get_transport() if self._client else None
        if self._client is None or transport is None or not transport.is_active():
            raise Unreachable(f"the connection to {self._target.place} is gone: is the node still up?")
        return self._client

    def open(self) -> None:
        """Connect and check the host key strictly."""
        if self._target.jump is not None:
            self._jump = _connect(self._target.jump, None)
        self._client = _connect(self._target, self._jump)

    def reopen(self) -> None:
        """Close and connect again."""
        self.close()
        self.open()

    def close(self) -> None:
        """Close the connection and the one it jumps through."""
        for client in (self._client, self._jump):
            if client is not None:
                client.close()
        self._client = self._jump = None

    def run(
        self, command: str, *, stdin: bytes, deadline_s: float, on_line: Callable[[str], None] | None = None
    ) -> Said:
        """Run a command on a channel of its own, reading both streams as they come."""
        started = time.monotonic()
        out, err = Kept(on_line), Kept()
        channel = self._channel(command, deadline_s)
        try:
            threading.Thread(target=_feed, args=(channel, stdin), daemon=True).start()
            status = _drain(channel, out, err, started + deadline_s)
        except (OSError, paramiko.SSHException):
            status = None
        finally:
            channel.close()
        if status is None and time.monotonic() < started + deadline_s:
            raise Unreachable(f"the connection to {self._target.place} broke off: is the node still up?")
        return Said(command, status, out.bytes(), err.bytes(), time.monotonic() - started)

    def hold(self, command: str, *, stdin: bytes, deadline_s: float) -> Held:
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
            raise Unreachable(f"{self._target.place} did not answer within {deadline_s:g} s.") from None
        return _HeldChannel(channel, line.decode("utf-8", "replace").strip())

    def _channel(self, command: str, deadline_s: float) -> paramiko.Channel:
        transport = self.client.get_transport()
        assert transport is not None  # `client` raised otherwise
        try:
            channel = transport.open_session(timeout=min(deadline_s, self._target.connect_timeout_s))
            channel.exec_command(command)
        except (OSError, EOFError, paramiko.SSHException):
            raise Unreachable(f"{self._target.place} stopped answering: is the node still up?") from None
        return channel


class _HeldChannel:
    def __init__(self, channel: paramiko.Channel, first_line: str) -> None:
        self.first_line = first_line
        self._channel = channel

    def release(self) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.shutdown_write()
            self._channel.recv_exit_status()
        self._channel.close()


def _feed(channel: paramiko.Channel, data: bytes) -> None:
    with suppress(OSError, EOFError, paramiko.SSHException):
        channel.sendall(data)
        channel.shutdown_write()


def _drain(channel: paramiko.Channel, out: Kept, err: Kept, until: float) -> int | None:
    """Read both streams to their end; return the exit status, or None past the deadline or on a broken connection."""
    while (left := until - time.monotonic()) > 0:
        select([channel], [], [], min(left, 1.0))
        while channel.recv_ready():
            out.feed(channel.recv(65536))
        while channel.recv_stderr_ready():
            err.feed(channel.recv_stderr(65536))
        if (
            channel.exit_status_ready()
            and channel.eof_received
            and not channel.recv_ready()
            and not channel.recv_stderr_ready()
        ):
            return channel.recv_exit_status() if channel.exit_status != -1 else None
        if channel.closed and not channel.recv_ready() and not channel.recv_stderr_ready():
            return channel.exit_status if channel.exit_status != -1 else None
    return None


def _connect(target: Target, jump: paramiko.SSHClient | None) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    try:
        _trust(client, target)
        client.connect(
            target.host_key_alias or target.host,
            port=target.port,
            username=target.user,
            key_filename=[str(key) for key in target.keys] or None,  # type: ignore[arg-type]  # the stubs forget lists
            timeout=target.connect_timeout_s,
            banner_timeout=target.connect_timeout_s,
            auth_timeout=target.connect_timeout_s,
            sock=_socket(target, jump),
        )
    except Unreachable:
        client.close()
        raise
    except Exception as error:  # noqa: BLE001 - paramiko lets a dozen unrelated types escape; each becomes a sentence
        client.close()
        raise Unreachable(_why(target, error)) from None
    transport = client.get_transport()
    assert transport is not None  # connect() succeeded
    transport.set_keepalive(KEEPALIVE_S)
    return client


def _socket(
    target: Target, jump: paramiko.SSHClient | None
) -> "socket.socket | paramiko.Channel | paramiko.ProxyCommand":
    if jump is not None:
        transport = jump.get_transport()
        assert transport is not None  # an open client has one
        return transport.open_channel(
            "direct-tcpip", (target.host, target.port), ("127.0.0.1", 0), timeout=target.connect_timeout_s
        )
    if target.proxy_command is not None:
        return paramiko.ProxyCommand(target.proxy_command)
    opened = socket.create_connection((target.host, target.port), timeout=target.connect_timeout_s)
    # Without it every command waits out the delayed acknowledgement, some 40 ms.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def _trust(client: paramiko.SSHClient, target: Target) -> None:
    system = Path("/etc/ssh/ssh_known_hosts")
    for path in (target.known_hosts, system):
        if path.exists():
            try:
                client.load_system_host_keys(str(path))
            except (OSError, paramiko.SSHException) as error:
                raise Unreachable(f"{path} cannot be read as known hosts: {error}.") from None
    client.set_missing_host_key_policy(_AcceptNew(target.known_hosts) if target.accept_new else paramiko.RejectPolicy())


class _AcceptNew(paramiko.MissingHostKeyPolicy):
    """Trust a host key on first sight and write it down; a changed key is still refused by paramiko itself."""

    def __init__(self, known_hosts: Path) -> None:
        self._path = known_hosts

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        del client  # part of paramiko's interface
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as known:
            known.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")


def _why(target: Target, error: Exception) -> str:  # noqa: PLR0911 - one sentence a cause, and there are many causes
    place, user = target.place, target.user or "the default user"
    match error:
        case paramiko.BadHostKeyException():
            return (
                f"the host key of {place} is not the one in {target.known_hosts}: if the node was reinstalled, remove "
                f"the old key with `ssh-keygen -R {target.host}` and connect by hand; else somebody may be in between."
            )
        case paramiko.AuthenticationException():
            return f"{place} refuses the key of {user}: copy it there with `ssh-copy-id`, or name another with `key`."
        case socket.gaierror():
            return f"the address {target.host} of {target.name} is not known to any name server: correct `address`."
        case TimeoutError():
            return f"{place} did not answer within {target.connect_timeout_s:g} s: is it on, and is its address right?"
        case ConnectionRefusedError():
            return f"{place} refuses connections: is sshd running there, and on that port?"
        case FileNotFoundError() | PermissionError():
            return f"the key {error.filename} for {place} cannot be read: {error.strerror}."
        case OSError():
            return f"{place} cannot be reached: {error.strerror or error}."
        case paramiko.SSHException() if "not found in known_hosts" in str(error):
            return (
                f"the host key of {place} is not in {target.known_hosts}: connect once with ssh and confirm it, "
                "or set `accept_new: true` under `ssh`."
            )
        case paramiko.SSHException() | EOFError():
            return f"{place} does not speak SSH with us: {error or 'it closed the connection'}."
        case _:
            return f"{place} cannot be reached: {type(error).__name__}: {error}."
