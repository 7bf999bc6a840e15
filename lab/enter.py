"""Running a command inside a node, past its network and its sshd."""

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.boot import WITHHELD, without
from lab.control import ask, supervisor_pid
from lab.errors import LabError
from lab.places import RunDir

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
AT_HOME = 'cd ~ 2>/dev/null; exec "$@"'


def _line(run: RunDir, leader: int, command: Sequence[str], user: str) -> list[str]:
    # The leader's pid is the supervisor's word for it, so the way leads through the supervisor's namespaces.
    through = ["nsenter", f"--target={supervisor_pid(run)}", "--mount", "--pid"]
    into = [
        "nsenter",
        f"--target={leader}",
        "--mount",
        "--uts",
        "--ipc",
        "--net",
        "--pid",
        "--cgroup",
        "--root",
        "--wd",
    ]
    login = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env"]
    login.append(f"--bounding-set={without(WITHHELD)}")
    environment = [f"PATH={PATH}", f"TERM={os.environ.get('TERM', 'dumb')}", "LANG=C.UTF-8"]
    return [*through, *into, *login, "env", *environment, "sh", "-c", AT_HOME, "sh", *command]


def replace_with(run: RunDir, name: str, command: Sequence[str], user: str) -> None:
    """Become a command in a node: its input, output and exit status are ours. Does not return.

    Args:
        run: the lab.
        name: the node.
        command: program and arguments, run in the user's home directory with a clean environment.
        user: who runs it; a user with a group of the same name.

    Raises:
        LabError: if no lab is running, or the node is off.
    """
    leader, groups = ask(run, "entry", name)
    line = _line(run, leader, command, user)
    for group in groups:
        # Where it is not let in, the command still runs; it is then counted with the caller's group.
        with contextlib.suppress(OSError):
            Path(group, "cgroup.procs").write_text("0")
    os.execvp(line[0], line)  # noqa: S606 - replacing this process is the point


def output(run: RunDir, name: str, command: Sequence[str]) -> str | None:
    """What a command printed in a node as root, or None if it failed there.

    Raises:
        LabError: if no lab is running, or the node is off.
    """
    leader, _ = ask(run, "entry", name)
    done = subprocess.run(_line(run, leader, command, "root"), capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def run_in(run: RunDir, name: str, command: str) -> None:
    """Run a shell command in a node as root.

    Raises:
        LabError: if no lab is running, the node is off, or the command fails, with the last line of what it said.
    """
    leader, _ = ask(run, "entry", name)
    line = _line(run, leader, ["sh", "-c", command], "root")
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise LabError(f"{name}: `{command}` ended with status {done.returncode}: {said}")
