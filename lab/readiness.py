"""Waiting until nodes answer, with a bound and a message that shows why one does not."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from functools import partial

from lab.control import ask
from lab.enter import output
from lab.errors import LabError
from lab.places import RunDir
from lab.settings import Settings

LIMIT = 120.0
"""Seconds a node gets to answer."""

TAIL = 12
"""Lines of a silent node's console that are shown."""


def wait_ssh(run: RunDir, settings: Settings, names: Iterable[str]) -> None:
    """Wait until the user nvidia can log in to every node.

    Raises:
        LabError: if a node does not answer in time, with the end of its console.
    """
    _wait_all(run, names, "its sshd does not let nvidia in", partial(_logs_in, run, settings))


def wait_docker(run: RunDir, names: Iterable[str]) -> None:
    """Wait until every node's Docker daemon answers.

    Raises:
        LabError: if one does not in time, with the end of the node's console.
    """
    _wait_all(run, names, "its docker does not answer", partial(_docker_answers, run))


def wait_docker_settled(run: RunDir, names: Iterable[str]) -> None:
    """Wait until every node's Docker daemon answers or has been given up: a saved node may well have a broken one.

    Raises:
        LabError: if one does neither in time.
    """
    _wait_all(run, names, "its docker neither starts nor fails", partial(_docker_settled, run))


def _wait_all(run: RunDir, names: Iterable[str], complaint: str, answers: Callable[[str], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    for name in names:
        while not answers(name):
            if name not in ask(run, "on"):
                raise LabError(f"{name} went off while booting. Its console ends:\n{_console(run, name)}")
            if time.monotonic() > deadline:
                raise LabError(
                    f"{name} was given {LIMIT:.0f} s, but {complaint}. Its console ends:\n{_console(run, name)}"
                )
            time.sleep(0.2)


def _logs_in(run: RunDir, settings: Settings, name: str) -> bool:
    address = settings.address(name)
    try:
        socket.create_connection((address, 22), timeout=1).close()
    except OSError:
        return False
    options = ("BatchMode=yes", f"UserKnownHostsFile={run.known_hosts}", "IdentitiesOnly=yes", "ConnectTimeout=5")
    arguments = [argument for option in options for argument in ("-o", option)]
    command = ["ssh", "-F", "none", *arguments, "-i", str(run.key), f"nvidia@{address}", "true"]
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0


def _docker_answers(run: RunDir, name: str) -> bool:
    return output(run, name, ["docker", "info"]) is not None


def _docker_settled(run: RunDir, name: str) -> bool:
    return output(run, name, ["systemctl", "show", "--property=ActiveState", "--value", "docker"]) in {
        "active",
        "failed",
    }


def _console(run: RunDir, name: str) -> str:
    try:
        with run.node(name).console.open("rb") as console:
            console.seek(max(0, os.fstat(console.fileno()).st_size - 4096))
            lines = console.read().decode(errors="replace").splitlines()
    except OSError as error:
        return f"(no console: {error.strerror})"
    return "\n".join(f"    {line}" for line in lines[-TAIL:]) or "    (nothing)"
