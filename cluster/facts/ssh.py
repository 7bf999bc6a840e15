"""Step 1: whose key opens which door."""

from cluster.facts.base import Facts, ParseError, Reading, contents, fact
from cluster.facts.parse import lines


def _entries(reading: Reading) -> tuple[str, ...]:
    return tuple(line.strip() for line in lines(reading) if not line.startswith("#"))


def _host_keys(reading: Reading) -> tuple[str, ...]:
    # Asked by the node of itself: the keys that its sshd really shows, with nobody in between.
    keys = tuple(line.partition(" ")[2] for line in lines(reading) if not line.startswith("#"))
    if not keys:
        raise ParseError("its sshd shows no host key")
    return tuple(sorted(keys))


class SshFacts(Facts):
    """The user's own key pair, who may log in, and the node's host keys."""

    public_key: tuple[str, ...] = fact(contents("~/.ssh/id_ed25519.pub"), _entries)
    authorized: tuple[str, ...] = fact(contents("~/.ssh/authorized_keys"), _entries)
    known_hosts: tuple[str, ...] = fact(contents("~/.ssh/known_hosts"), _entries)
    host_keys: tuple[str, ...] = fact("ssh-keyscan -T 5 127.0.0.1", _host_keys)
