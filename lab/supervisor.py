"""Process 1 of a lab: it holds every namespace, mount and process of it, and when it ends the kernel takes them all.

Started by `up` in mount, network, process, UTS and IPC namespaces of its own, it does what the other commands ask of it
over a UNIX socket in the run directory, one request after the other.
"""

import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from lab import links, snapshots
from lab.addresses import INTERFACES
from lab.cables import Cables
from lab.control import SOCKET
from lab.errors import LabError
from lab.node import Node
from lab.places import RunDir
from lab.provision import Identity, provision
from lab.run import check
from lab.settings import read_settings

REBOOT = 133
"""What systemd-nspawn --keep-unit exits with when the node rebooted itself."""

REQUESTS = frozenset({"attach_host", "boot", "kill", "plug", "entry", "on", "save", "restore"})

IDLE = 0.5
"""Seconds between looks at nodes that ended by themselves."""


class Supervisor:
    """The nodes and cables of a running lab; its methods in REQUESTS are what commands can ask."""

    def __init__(self, run: RunDir) -> None:
        """Make the cabling and the nodes, all of them off."""
        self._run = run
        self._settings = settings = read_settings(run)
        self._cables = Cables.new(settings.nodes)
        self._nodes = {name: Node(run, settings, name) for name in settings.names}
        for directory in (run.nodes, run.snapshots):
            # The nodes' files are none of the host's users' business.
            directory.mkdir(mode=0o700)
        links.make_bridges()
        authorized_key = run.key.with_suffix(".pub").read_text()
        for name, node in self._nodes.items():
            links.make_node(settings.network, node.number)
            node.mount()
            host_key = (run.host_keys / name).read_text()
            identity = Identity(name, settings.address(name), host_key, authorized_key, settings.gpu(name))
            provision(node.files.merged, identity, run.driver)
        links.set_carrier(self._cables)

    def attach_host(self) -> None:
        """Put the host's link, which `up` has made, on the management network."""
        links.attach_host()

    def boot(self, names: list[str]) -> None:
        """Switch nodes on; one that is on stays so."""
        for node in map(self._node, names):
            if not node.is_on:
                node.boot()
                self._cables.powered.add(node.number)
        links.set_carrier(self._cables)

    def kill(self, names: list[str]) -> None:
        """Pull the plug of nodes; one that is off stays so."""
        for node in map(self._node, names):
            node.kill()
            self._cables.powered.discard(node.number)
        links.set_carrier(self._cables)

    def plug(self, name: str, interface: str, plugged: bool) -> None:
        """Put a cable into an interface, or pull it."""
        if interface not in INTERFACES:
            raise LabError(f"There is no interface {interface!r}; a node has {', '.join(INTERFACES)}.")
        end = (self._node(name).number, interface)
        if plugged:
            self._cables.plugged.add(end)
        else:
            self._cables.plugged.discard(end)
        links.set_carrier(self._cables)

    def entry(self, name: str) -> tuple[int, list[str]]:
        """What `exec` needs to enter a node."""
        return self._node(name).entry()

    def on(self) -> list[str]:
        """The names of the nodes that are on."""
        return [name for name, node in self._nodes.items() if node.is_on]

    def save(self, name: str) -> None:
        """Save the disks of all nodes."""
        snapshots.save(self._run, name, list(self._nodes.values()), self._cables)

    def restore(self, name: str) -> list[str]:
        """Put saved disks, cables and power back; returns the nodes that were booted."""
        snapshots.require(self._run, name)
        self.kill(list(self._nodes))
        saved = snapshots.restore(self._run, name, list(self._nodes.values()))
        self._cables.plugged = saved.plugged
        booted = [node.name for node in self._nodes.values() if node.number in saved.powered]
        self.boot(booted)
        return booted

    def look_after(self) -> None:
        """Boot nodes again that rebooted themselves, note those that switched themselves off, and collect orphans."""
        for node in self._nodes.values():
            status = node.exit_status()
            if status is None:
                continue
            node.ended()
            self._cables.powered.discard(node.number)
            if status == REBOOT:
                self.boot([node.name])
            links.set_carrier(self._cables)
        _reap_orphans({node.pid for node in self._nodes.values() if node.pid})

    def _node(self, name: str) -> Node:
        self._settings.number(name)
        return self._nodes[name]


def serve(supervisor: Supervisor, listener: socket.socket) -> None:
    """Answer requests, one JSON object a connection, for as long as the lab can be reached: its folder is there."""
    listener.settimeout(IDLE)
    while Path(SOCKET).exists():
        supervisor.look_after()
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        with connection, contextlib.suppress(BrokenPipeError):
            # Whoever only wants to know our process id hangs up without a word.
            if line := connection.makefile().readline():
                connection.sendall(json.dumps(_answer(supervisor, line)).encode() + b"\n")


def _answer(supervisor: Supervisor, line: str) -> dict[str, Any]:
    try:
        return {"result": _obey(supervisor, json.loads(line))}
    except LabError as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever fails, the lab lives on and the command is told
        return {"error": f"The supervisor failed: {type(error).__name__}: {error}"}


def _obey(supervisor: Supervisor, request: dict[str, Any]) -> Any:
    if request["do"] not in REQUESTS:
        raise LabError(f"The supervisor knows no request {request['do']!r}.")
    return getattr(supervisor, request["do"])(*request["with"])


def _reap_orphans(ours: set[int]) -> None:
    """Collect children we did not start: processes of a killed node come to us, being process 1."""
    while True:
        try:
            child = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if child is None or child.si_pid in ours:
            return
        os.waitpid(child.si_pid, 0)


def main() -> None:
    """Set the lab up in the namespaces this process was started in, and serve."""
    run = RunDir(Path(sys.argv[1]))
    # Process 1 gets only signals that it has a handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # `ip netns` and systemd-nspawn leave files in /run: here, not on the host.
    check(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])
    supervisor = Supervisor(run)
    os.chdir(run.path)
    listener = socket.socket(socket.AF_UNIX)
    # Under its name only once it listens: `up` takes the name for a sign.
    listener.bind(f"{SOCKET}.new")
    Path(f"{SOCKET}.new").chmod(0o600)
    listener.listen()
    Path(f"{SOCKET}.new").rename(SOCKET)
    serve(supervisor, listener)


if __name__ == "__main__":
    main()
