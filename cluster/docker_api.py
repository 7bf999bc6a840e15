"""The docker SDK on a node's own engine, spoken through the SSH connection that is open anyway."""

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

from cluster.errors import CommandFailed
from cluster.node import Node
from cluster.ssh import SshConnection
from cluster.ssh_wire import start_command
from cluster.threads import broken_off

if TYPE_CHECKING:
    import docker

# Docker's own way to hand its socket to whoever runs the command; unlike a forwarded path it needs no knowledge of
# where the socket lies.
_DIAL = "docker system dial-stdio"
_CHUNK = 2**16
_OPENING_S = 10


class Cut:
    """Ends a talk with an engine from another thread, for whoever waits there for words that may never come."""

    def __init__(self) -> None:
        """There is no talk yet."""
        self._ends: list[Callable[[], object]] = []
        self._made = False
        self._changing = threading.Lock()

    def add(self, end: Callable[[], object]) -> None:
        """Have something ended by the cut: at once where it was made already."""
        with self._changing:
            self._ends.append(end)
            late = self._made
        if late:
            _quietly(end)

    def make(self) -> None:
        """Cut: who waits is told that the engine stopped answering."""
        with self._changing:
            self._made = True
            ends = [*self._ends]
        for end in ends:
            _quietly(end)


@contextmanager
def docker_of(node: Node, timeout_s: float = 60, cut: Cut | None = None) -> "Iterator[docker.DockerClient]":
    """Open the docker SDK on a node; the user has to be able to use docker there (step 2).

    Args:
        node: Where the engine is.
        timeout_s: How long an answer, or the next piece of a stream, may take.
        cut: What breaks it off; an engine of this machine, behind no connection, it leaves alone.

    Raises:
        CommandFailed: The engine refuses, or does not answer in time.
    """
    # A run that only looks has no use for the SDK and the two hundred modules that it brings.
    from docker.errors import DockerException, StreamParseError  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - what requests passes on from within a stream

    try:
        with _socket_of(node, cut or Cut()) as address, _open(address, timeout_s) as client:
            yield client
    except DockerException as error:
        said = getattr(error, "explanation", None) or error
        raise _failure(f"docker on {node.name}: {said}") from None
    except (RequestException, HTTPError, StreamParseError, OSError) as error:
        raise _failure(f"docker on {node.name} stopped answering: {error}") from None


def _failure(words: str) -> CommandFailed:
    if broken_off():
        raise KeyboardInterrupt  # the engine did nothing wrong: its connection was given up under it
    return CommandFailed(words)


@contextmanager
def _open(address: str, timeout_s: float) -> "Iterator[docker.DockerClient]":
    import docker  # noqa: PLC0415 - as above
    from docker.utils import config  # noqa: PLC0415

    # The SDK has no option to leave ~/.docker alone: the logins, proxies and headers there are of whoever runs us.
    config.find_config_file = lambda config_path=None: None  # noqa: ARG005 - it is given by name
    client = docker.DockerClient(base_url=address, timeout=int(timeout_s))
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _socket_of(node: Node, cut: Cut) -> Iterator[str]:
    if not isinstance(node.connection, SshConnection):
        yield "unix:///var/run/docker.sock"
        return
    with tempfile.TemporaryDirectory(prefix="spark-runbook-") as private, socket.socket(socket.AF_UNIX) as listener:
        path = Path(private) / "docker.sock"
        listener.bind(str(path))
        listener.listen()
        cut.add(partial(listener.shutdown, socket.SHUT_RDWR))
        threading.Thread(target=_serve, args=(listener, node.connection.client, cut), daemon=True).start()
        try:
            yield f"unix://{path}"
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, client: paramiko.SSHClient, cut: Cut) -> None:
    """Give every connection to the local socket a channel of its own to the node's engine."""
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return  # it was closed
        try:
            transport = client.get_transport()
            assert transport is not None  # the node is connected
            channel = transport.open_session(timeout=_OPENING_S)
            start_command(channel, _DIAL, _OPENING_S)
        except (OSError, EOFError, paramiko.SSHException):
            caller.close()
            continue
        cut.add(channel.close)
        threading.Thread(target=_pump, args=(caller.recv, channel.sendall, channel.shutdown_write), daemon=True).start()
        threading.Thread(target=_answer, args=(caller, channel), daemon=True).start()


def _answer(caller: socket.socket, channel: paramiko.Channel) -> None:
    _pump(channel.recv, caller.sendall, lambda: caller.shutdown(socket.SHUT_WR))
    channel.close()
    caller.close()


def _quietly(end: Callable[[], object]) -> None:
    with suppress(OSError, EOFError, paramiko.SSHException):
        end()


def _pump(read: Callable[[int], bytes], write: Callable[[bytes], object], end: Callable[[], object]) -> None:
    with suppress(OSError, EOFError, paramiko.SSHException):
        while data := read(_CHUNK):
            write(data)
    _quietly(end)
