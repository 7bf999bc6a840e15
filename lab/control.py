"""Asking the supervisor of a running lab."""

import json
import os
import socket
import struct
from typing import Any, Final

from lab.errors import LabError
from lab.places import RunDir, is_running

SOCKET: Final = "control"
"""The socket's name in the run directory."""

NOT_RUNNING: Final = "No lab is running; start one: python -m lab up"


def ask(run: RunDir, request: str, *arguments: Any) -> Any:
    """Have the supervisor do something.

    Args:
        run: the lab.
        request: the name of a public method of the supervisor.
        *arguments: its arguments, as JSON knows them.

    Returns:
        What the method returned.

    Raises:
        LabError: if no lab is running, or the supervisor refuses.
    """
    with _connect(run) as connection:
        connection.sendall(json.dumps({"do": request, "with": arguments}).encode() + b"\n")
        line = connection.makefile().readline()
    if not line:
        raise LabError(f"The lab's supervisor ended; its last words are in {run.log}. Clean up: python -m lab down")
    answer = json.loads(line)
    if "error" in answer:
        raise LabError(answer["error"])
    return answer["result"]


def supervisor_pid(run: RunDir) -> int:
    """The supervisor's process id, in the caller's namespace.

    Raises:
        LabError: if no lab is running.
    """
    with _connect(run) as connection:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    return pid


def _connect(run: RunDir) -> socket.socket:
    if not is_running(run):
        raise LabError(NOT_RUNNING)
    directory = os.open(run.path, os.O_PATH)
    connection = socket.socket(socket.AF_UNIX)
    try:
        # A path through the descriptor, since a socket's address holds no more than 107 bytes.
        connection.connect(f"/proc/self/fd/{directory}/{SOCKET}")
    except (FileNotFoundError, ConnectionRefusedError) as error:
        connection.close()
        raise LabError(f"The lab in {run.path} does not answer; take it down: python -m lab down") from error
    except PermissionError as error:
        connection.close()
        raise LabError("The lab belongs to root; run this command as root, with sudo for instance.") from error
    finally:
        os.close(directory)
    return connection
