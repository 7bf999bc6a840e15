"""The host keys that we trust: those that ssh itself would."""

import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from cluster.errors import Unreachable
from cluster.ssh_target import Target

_READING = threading.Lock()
"""Held by whoever reads known hosts, so that one node does it for all that connect at once."""


def trust(client: paramiko.SSHClient, target: Target) -> None:
    """Have a client take the keys that known_hosts has for a node, and no other, or any on first sight where it may.

    Raises:
        Unreachable: A file of known hosts cannot be read.
    """
    trusted, name = client.get_host_keys(), target.known_as
    for path in (target.known_hosts, Path("/etc/ssh/ssh_known_hosts")):
        for key in _known_hosts(path).keys_of(name):
            before = trusted.lookup(name)
            if before is None or key.get_name() not in before:
                trusted.add(name, key.get_name(), key)
    client.set_missing_host_key_policy(_AcceptNew(target.known_hosts) if target.accept_new else paramiko.RejectPolicy())


@dataclass(frozen=True)
class _Known:
    """What a file knows: keys by name, which may be hashed, and by patterns, which paramiko would take for names."""

    names: paramiko.HostKeys
    patterns: list[HostKeyEntry]

    def keys_of(self, name: str) -> Iterator[paramiko.PKey]:
        yield from (self.names.lookup(name) or {}).values()
        yield from (entry.key for entry in self.patterns if entry.key and _matches(name, entry.hostnames or ()))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name fits `*.lan,!nas.lan`, as ssh reads it: what is marked with `!` is left out."""
    fitting = [one for one in patterns if fnmatchcase(name, one.lower().removeprefix("!").replace("[", "[[]"))]
    return bool(fitting) and not any(one.startswith("!") for one in fitting)


def _known_hosts(path: Path) -> _Known:
    """Read a file once for all nodes: paramiko compares each line with all before it, and would for every connection.

    Raises:
        Unreachable: It cannot be read, or a line of it is damaged.
    """
    try:
        with _READING:
            return _parsed(path, path.stat().st_mtime_ns) if path.exists() else _Known(paramiko.HostKeys(), [])
    except (OSError, paramiko.SSHException, InvalidHostKey) as error:
        reason = error.strerror if isinstance(error, OSError) else f"a line of it is damaged: {error.args[0]}"
        raise Unreachable(f"{path} cannot be read as known hosts: {reason}.") from None


@lru_cache
def _parsed(path: Path, _changed_at: int) -> _Known:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    revoked = {words[3] for line in lines if (words := line.split())[:1] == ["@revoked"] and len(words) > 3}
    # paramiko knows no marks, and takes them for names.
    plain = [line for line in lines if not line.lstrip().startswith("@") and revoked.isdisjoint(line.split())]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.writelines(line for line in plain if not _has_pattern(line))
        file.flush()
        names = paramiko.HostKeys(file.name)
    patterns = [entry for line in filter(_has_pattern, plain) if (entry := HostKeyEntry.from_line(line.strip()))]
    return _Known(names, patterns)


def _has_pattern(line: str) -> bool:
    hosts = line.lstrip().partition(" ")[0]
    return not hosts.startswith("#") and not set("*?!").isdisjoint(hosts)


class _AcceptNew(paramiko.MissingHostKeyPolicy):
    """Trust a host key on first sight and write it down; a changed key is still refused by paramiko itself."""

    def __init__(self, known_hosts: Path) -> None:
        self._path = known_hosts

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        del client  # part of paramiko's interface
        line = f"{hostname} {key.get_name()} {key.get_base64()}\n"
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            before = self._path.read_bytes() if self._path.exists() else b""
            joint = "" if before.endswith(b"\n") or not before else "\n"
            with self._path.open("a", encoding="utf-8") as known:
                known.write(joint + line)
        except OSError as error:
            raise Unreachable(f"{self._path} cannot be written: {error.strerror}.") from None
