"""What the user's ssh_config says of a host, as paramiko reads it, or ssh itself where paramiko would not follow."""

import glob
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paramiko

from cluster.errors import InventoryError

LONGEST_S = 10
"""`ssh -G` only reads, but a `Match exec` may hang and a name may be looked up."""

_DEEPEST = 16
"""How deep files may include others, as in ssh."""

_LINE = re.compile(r"^[ \t]*(\w+)(?:[ \t]*=[ \t]*|[ \t]+)(.+?)[ \t]*$", re.MULTILINE)
_BY_SSH_ALONE = {"include", "match"}
"""Paramiko passes over Include, takes a Match that it does not know for one that holds, and cannot run its commands."""

_OURS = {"hostname", "port", "user", "identityfile", "proxyjump", "proxycommand", "hostkeyalias"}


def looked_up(path: Path, alias: str, user: str | None = None) -> paramiko.SSHConfigDict:
    """Look a host up in the ssh_config at `path`, as ssh would for that user; where there is no file it says nothing.

    Raises:
        InventoryError: The file cannot be read, or followed.
    """
    text = _text(path)
    if any(key in _BY_SSH_ALONE for key, _ in _lines(text)):
        text = "\n".join(line for line in _asked_of_ssh(path, alias, user) if line.split(" ")[0] in _OURS)
    try:
        # Paramiko also puts in what stands for %h and the like, which ssh tells as it is.
        return paramiko.SSHConfig.from_text(text).lookup(alias)
    except paramiko.ConfigParseError as error:
        raise InventoryError(f"{path} cannot be read as an ssh_config: {error}.") from None
    except Exception as error:  # noqa: BLE001 - paramiko lets unrelated types escape for what it cannot follow
        raise InventoryError(f"{path}: what it says of {alias} cannot be followed: {error!r}.") from None


def hosts(path: Path) -> dict[str, str]:
    """List the hosts that the ssh_config at `path` and what it includes have by name, with their `HostName` or name.

    Raises:
        InventoryError: A file cannot be read.
    """
    found: dict[str, str] = {}
    here: list[str] = []
    for key, value in _with_included(path):
        if key in ("host", "match"):
            here = [name for name in _words(value) if not set(name) & set("*?!")] if key == "host" else []
            for name in here:
                found.setdefault(name, name)
        elif key == "hostname":
            found.update({name: value for name in here if found[name] == name})
    return found


def _with_included(path: Path, depth: int = 0) -> Iterator[tuple[str, str]]:
    for key, value in _lines(_text(path)):
        yield key, value
        for word in _words(value) if key == "include" and depth < _DEEPEST else ():
            pattern = Path("~/.ssh").expanduser() / Path(os.path.expandvars(word)).expanduser()
            for included in sorted(glob.glob(str(pattern))):  # noqa: PTH207 - an absolute pattern
                yield from _with_included(Path(included), depth + 1)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise InventoryError(f"{path} cannot be read as an ssh_config: {reason}.") from None


def _lines(text: str) -> list[tuple[str, str]]:
    return [(key.lower(), value) for key, value in _LINE.findall(text)]


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()


def _asked_of_ssh(path: Path, alias: str, user: str | None) -> list[str]:
    command = ["ssh", "-G", "-F", str(path), *(["-l", user] if user else []), "--", alias]
    try:
        said = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST_S,
            check=False,
        )
    except FileNotFoundError:
        raise InventoryError(
            f"{path}: its Include and Match are followed by asking ssh, which is not installed here: install "
            "openssh-client, or name another file with `config` under `ssh`."
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else f"`ssh -G` did not answer within {LONGEST_S} s"
        raise InventoryError(f"{path}: what it says of {alias} is not known: {reason}.") from None
    if said.returncode:
        reason = (said.stderr.strip().splitlines() or [f"`ssh -G` ended with {said.returncode}"])[0]
        raise InventoryError(f"{path} cannot be read as an ssh_config: {reason}.")
    return said.stdout.splitlines()
