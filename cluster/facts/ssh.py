"""Step 1: the user's keys, who may log in with which, and the host keys."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.facts.base import Facts, ParseError, Reading, contents, fact
from cluster.facts.parse import lines

if TYPE_CHECKING:
    from cluster.node import Node


def _entries(reading: Reading) -> tuple[str, ...]:
    return tuple(line.strip() for line in lines(reading) if not line.startswith("#"))


def _public_keys(reading: Reading) -> tuple[str, ...]:
    entries = _entries(reading)
    keys = tuple(entry for entry in entries if re.match(r"(ssh|ecdsa|sk)-\S+\s+AAAA", entry))
    if entries and not keys:
        raise ParseError("no line of it is a public key, as `ssh-keygen -y -f ~/.ssh/id_ed25519` prints it")
    return keys


def _host_keys(reading: Reading) -> tuple[str, ...]:
    # Asked by the node of itself: the keys that its sshd really shows, with nobody in between.
    keys = tuple(line.partition(" ")[2] for line in lines(reading) if not line.startswith("#"))
    if not keys:
        raise ParseError("its sshd shows no host key")
    return tuple(sorted(keys))


@dataclass(frozen=True)
class Guarded:
    """A file or directory that SSH wants closed to others; `mode` in octal digits."""

    path: str
    mode: str
    owner: str
    group: str

    @property
    def is_open(self) -> bool:
        """Whether SSH refuses to use it: a private key that others may read, anything else that they may write."""
        mode = int(self.mode, 8)
        if self._is_key:
            return bool(mode & 0o077)
        # Debian's OpenSSH lets the user's own group write, which nobody else is in.
        return bool(mode & 0o002) or (bool(mode & 0o020) and self.group != self.owner)

    @property
    def closing(self) -> str:
        """What chmod has to be told."""
        return "go-rwx" if self._is_key else "go-w"

    @property
    def closed(self) -> str:
        """The mode that chmod makes of it."""
        return f"{int(self.mode, 8) & ~(0o077 if self._is_key else 0o022):o}"

    @property
    def _is_key(self) -> bool:
        return re.search(r"/id_[^/]*$", self.path) is not None


def _guarded(reading: Reading) -> tuple[Guarded, ...]:
    return tuple(_one_guarded(line) for line in lines(reading))


def _one_guarded(line: str) -> Guarded:
    found = re.fullmatch(r"([0-7]{1,4}):([^:]+):([^:]+):(/.*)", line)
    if not found:
        raise ParseError(f"this is no file with its mode: {line[:80]}")
    mode, owner, group, path = found.groups()
    return Guarded(path, mode, owner, group)


def _checksums(reading: Reading) -> tuple[str, ...]:
    return tuple(f"{line.split()[0][:12]}..." for line in lines(reading))


# A directory service may call a group `domain users`; no name has a colon, by which /etc/group tells its fields apart.
_FILES = """\
for path in ~ ~/.ssh ~/.ssh/authorized_keys ~/.ssh/id_*; do
  case $path in *.pub) continue;; esac
  test ! -e "$path" || stat -L -c '%a:%U:%G:%n' "$path"
done"""
# The checksum of a key says which two are one, and nothing else of it leaves the node.
_KEYS = """\
for path in ~/.ssh/id_*; do
  case $path in *.pub) continue;; esac
  test ! -r "$path" || sha256sum "$path"
done"""


# Each kind of key is a connection of its own, and ed25519 is what ssh prefers and every sshd of today shows.
def _host_keys_of(node: "Node") -> str:
    scan = f"ssh-keyscan -T 5 -p {node.login.port}"
    return f"""\
keys=$({scan} -t ed25519 127.0.0.1)
if test -n "$keys"; then echo "$keys"; else {scan} 127.0.0.1; fi"""


class SshFacts(Facts):
    """The user's own key pair, who may log in, and the node's host keys.

    `guarded` are the files that SSH wants closed to others, `private_keys` the beginnings of the keys' checksums.
    """

    is_local = True

    public_key: tuple[str, ...] = fact(contents("~/.ssh/id_ed25519.pub"), _public_keys)
    authorized: tuple[str, ...] = fact(contents("~/.ssh/authorized_keys"), _entries)
    known_hosts: tuple[str, ...] = fact(contents("~/.ssh/known_hosts"), _entries)
    host_keys: tuple[str, ...] = fact(_host_keys_of, _host_keys)
    guarded: tuple[Guarded, ...] = fact(_FILES, _guarded)
    private_keys: tuple[str, ...] = fact(_KEYS, _checksums)

    @property
    def has_private_key(self) -> bool:
        """Whether the private half of `public_key` is there."""
        return any(file.path.endswith("/.ssh/id_ed25519") for file in self.guarded)

    @property
    def own_key(self) -> str | None:
        """The public key by which the node can log in: with a half that is there alone somebody else would."""
        return self.public_key[0] if self.public_key and self.has_private_key else None

    @property
    def has_half_a_key(self) -> bool:
        """Whether the public half of a key is there alone."""
        return bool(self.public_key) and not self.has_private_key

    def authorizes(self, public_key: str) -> bool:
        """Whether a public key is among those that may log in, whatever comment or options stand beside it."""
        return any(public_key.split()[1] in known.split() for known in self.authorized)
