"""The session on a node: who we are there, and the two ways to run a command: read and change."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from shlex import quote

from paramiko.config import SSH_PORT

from cluster.connection import Connection, HeldCommand, Input, Said
from cluster.errors import CommandFailed, ReadOnly, SudoRefused, Unreachable
from cluster.read_only import refuse_changes

CHANGING = "/run/spark-runbook/changing"
"""Locked, and shared, by every command that changes a node for as long as it works, also when its run is gone."""

HANGS = (
    "{node} takes commands and answers none within {seconds:g} s: it hangs, or the login files of its user do; "
    "look at it from its console."
)

_MARK = f"if test -r {CHANGING}; then exec 8<{CHANGING}; flock -s 8; fi"


@dataclass(frozen=True)
class Login:
    """Who we are on a node, and how we become root there: `sudo` is none, free, password or refused."""

    user: str
    home: str
    sudo: str
    address: str = ""
    """The one of its own addresses by which we came in; empty where that was by no network."""
    port: int = SSH_PORT
    """The port of its sshd as the node has it, whatever jump or forwarded port leads there."""
    answer_s: float = field(default=0.0, compare=False)
    """How long the node took to tell, in seconds: a shell, a few words and a sudo."""


class Session:
    """Commands on one node over one connection, as the user or as root."""

    def __init__(self, name: str, connection: Connection, deadline_s: float, become_password: str | None) -> None:
        """Prepare a session; `connect` opens it. A command may take `deadline_s` seconds unless it says otherwise."""
        self.name = name
        self._trouble: str | None = None
        self._connect_ended = threading.Event()
        """Set unless `connect` is yet to tell whether we get in."""
        self._connect_ended.set()
        self.deadline_s = deadline_s
        self.connection = connection
        self._become_password = become_password
        self._login: Login | None = None
        self.changing = False
        """Whether a change is being applied; only `changes_allowed` sets it."""

    @property
    def trouble(self) -> str | None:
        """Why the node does not answer, or None; known once `connect` has ended."""
        self._connect_ended.wait()
        return self._trouble

    @trouble.setter
    def trouble(self, why: str | None) -> None:
        self._trouble = why

    @property
    def login(self) -> Login:
        """Who we are there; known once `connect` has ended.

        Raises:
            Unreachable: We never got in.
        """
        self._connect_ended.wait()
        if self._login is None:
            raise Unreachable(self._trouble or f"{self.name} is not connected.")
        return self._login

    def will_connect(self) -> None:
        """Let those who ask for the login, or the trouble, wait for the `connect` that follows."""
        self._connect_ended.clear()

    def connect(self) -> None:
        """Open the connection and learn who we are; a failure is kept in `trouble` and not raised."""
        self._trouble = None
        try:
            self.connection.open()
            self._login = self._who()
        except Unreachable as error:
            self._trouble = str(error)
        finally:
            self._connect_ended.set()

    def answers_in_s(self, late_s: float) -> float:
        """How long the node takes to answer, in seconds; past `late_s` it may be chance, so we ask anew.

        Raises:
            Unreachable: The connection broke.
        """
        if self.login.answer_s > late_s:
            self._login = min(self.login, self._who(), key=lambda login: login.answer_s)
        return self.login.answer_s

    def reconnect(self) -> None:
        """Take a fresh session, which alone sees new group memberships.

        Raises:
            Unreachable: The node did not let us in again.
        """
        self.connection.reopen()
        self._login = self._who()

    def _who(self) -> Login:
        # The line end is what all later commands have: where a login shell cannot take it (csh), nothing is asked.
        ask = 'id -u; id -un; echo "$HOME"\nsudo -n -- /bin/sh -c true >/dev/null 2>&1 && sudo=free || sudo=asks'
        ask += '; echo "$sudo $SSH_CONNECTION"'
        said = self._send(f"/bin/sh -c {quote(ask)}", b"", self.deadline_s, None)
        answers = said.out.split("\n")
        if said.exit is None:
            raise Unreachable(HANGS.format(node=self.name, seconds=self.deadline_s))
        if said.exit != 0 or len(answers) < 4:
            reason = (said.err.strip() or said.out.strip())[:200]
            hint = ": give the user another login shell than csh (`chsh -s /bin/bash`)" if "nmatched" in reason else ""
            raise Unreachable(f"{self.name} lets us in but runs no commands for us: {reason}{hint}")
        uid, user, home, (sudo, *ends) = *answers[:3], answers[3].split() or [""]
        if not uid.isdecimal():
            raise Unreachable(
                f"{self.name} prints `{uid[:60]}` before every command: take that out of the login files "
                f"(~/.bashrc) of {answers[-4]}, which may talk to a terminal alone."
            )
        # Other nodes are told both, in commands.
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*", user) or not re.fullmatch(r"/[^\x00-\x1f\x7f]*", home):
            raise Unreachable(
                f"{self.name} says that we are {user[:60]!r} at {home[:60]!r} there, which is no user with a home "
                "directory: log in as another one."
            )
        if uid == "0":
            sudo = "none"
        elif sudo != "free":
            sudo = "password" if self._password_works() else "refused"
        return Login(user, home, sudo, *_own_end(ends), said.seconds)

    def _password_works(self) -> bool:
        password = self._become_password
        if password is None:
            return False
        said = self._send(_with_password("true"), f"{password}\n".encode(), self.deadline_s, None)
        return said.exit == 0

    @property
    def has_root(self) -> bool:
        """Whether we can become root there."""
        return self._login is not None and self._login.sudo != "refused"

    @property
    def why_no_root(self) -> str:
        """Why we cannot become root."""
        wrong = "the password given is not accepted" if self._become_password else "sudo asks for a password"
        return f"{wrong} on {self.name}"

    def read(self, command: str, *, root: bool = False, deadline_s: float | None = None) -> Said:
        """Run a command that only reads.

        Raises:
            ReadOnly: The command would change something.
            SudoRefused: It needs root and we cannot become root.
            Unreachable: The connection broke.
        """
        refuse_changes(command)
        return self._run(command, root, b"", deadline_s or self.deadline_s, None)

    @contextmanager
    def changes_allowed(self) -> Iterator[None]:
        """Allow `change` for the duration of one change; only the engine, the journal written, calls this."""
        self.changing = True
        try:
            yield
        finally:
            self.changing = False

    def change(
        self,
        command: str,
        *,
        root: bool = True,
        stdin: Input = b"",
        deadline_s: float | None = None,
        on_line: Callable[[str], None] | None = None,
        what: str | None = None,
    ) -> Said:
        """Run a command that changes the node and has to succeed; secrets go by `stdin`, never in the command.

        `what` says what it does where the command is a script, in which nobody would find that.

        Raises:
            ReadOnly: No change is being applied.
            CommandFailed: It failed, or was given up past its deadline.
            SudoRefused: It needs root and we cannot become root.
            Unreachable: The connection broke.
        """
        if not self.changing:
            raise ReadOnly(f"`{command[:80]}` would change {self.name}, and no change is being applied.")
        deadline = deadline_s or self.deadline_s
        said = self._run(f"{_MARK}\n{command}", root, stdin, deadline, on_line)
        if said.exit is None:
            raise CommandFailed(f"{what or _brief(command)} on {self.name} did not end within {deadline:g} s.")
        if said.exit != 0:
            reason = (said.err.strip() or said.out.strip() or "it said nothing").splitlines()[-1][:300]
            raise CommandFailed(f"{what or _brief(command)} on {self.name} failed with exit {said.exit}: {reason}")
        return said

    def hold(self, command: str, *, root: bool = True, deadline_s: float | None = None) -> HeldCommand:
        """Start a command that says one line in time and lives until released; it gets no input but the password."""
        return self.connection.hold(
            self._as_root(command) if root else f"/bin/sh -c {quote(command)}",
            stdin=self._password_line() if root else b"",
            deadline_s=deadline_s or self.deadline_s,
        )

    def _run(
        self, command: str, root: bool, stdin: Input, deadline_s: float, on_line: Callable[[str], None] | None
    ) -> Said:
        bounded = _bounded(command, deadline_s)
        if not root:
            return self._send(f"/bin/sh -c {quote(bounded)}", stdin, deadline_s, on_line)
        password = self._password_line()
        given = password + stdin if isinstance(stdin, bytes) else chain([password], stdin)
        return self._send(self._as_root(bounded), given, deadline_s, on_line)

    def run_script(self, build: Callable[[Callable[[str], str] | None], str], deadline_s: float) -> Said:
        """Run a read-only script whose part for root is wrapped by the function given to `build`."""
        script = _bounded(build(self._as_root if self.has_root else None), deadline_s)
        return self._send(
            f"/bin/sh -c {quote(script)}", self._password_line() if self.has_root else b"", deadline_s, None
        )

    def _as_root(self, command: str) -> str:
        match self.login.sudo:
            case "none":
                return f"/bin/sh -c {quote(command)}"
            case "free":
                return f"sudo -n -- /bin/sh -c {quote(command)}"
            case "password":
                return _with_password(command)
            case _:
                raise SudoRefused(
                    f"{self.why_no_root}: rerun with --ask-become-pass, or let {self.login.user} use sudo without one."
                )

    def _password_line(self) -> bytes:
        if self._login is not None and self._login.sudo == "password":
            return f"{self._become_password}\n".encode()
        return b""

    def _send(self, command: str, stdin: Input, deadline_s: float, on_line: Callable[[str], None] | None) -> Said:
        return self.connection.run(command, stdin=stdin, deadline_s=deadline_s, on_line=on_line)


def _bounded(command: str, deadline_s: float) -> str:
    """Let the node itself end a command that we have given up: closing the connection would leave it running there."""
    return f"exec timeout -k 2 {deadline_s + 1:g} /bin/sh -c {quote(command)}"


def _own_end(ends: list[str]) -> tuple[str, int]:
    """Return address and port of the server in `CLIENT PORT SERVER PORT`, which sshd sets."""
    known = len(ends) == 4 and ends[2] != "UNKNOWN" and ends[3].isdecimal()
    return (ends[2].partition("%")[0], int(ends[3])) if known else ("", SSH_PORT)


def _with_password(command: str) -> str:
    # -k: a remembered password would leave the one on standard input unread, for the command to take as its own input.
    return f"sudo -k -S -p '' -- /bin/sh -c {quote(command)}"


def _brief(command: str) -> str:
    line = " ".join(command.split())
    return f"`{line if len(line) <= 80 else line[:77] + '...'}`"
