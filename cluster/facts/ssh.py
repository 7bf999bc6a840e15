"""Step 1: whose key opens which door."""

from cluster.facts.base import Facts, Reading, contents, fact
from cluster.facts.parse import lines


def _entries(reading: Reading) -> tuple[str, ...]:
    return tuple(line.strip() for line in lines(reading) if not line.startswith("#"))


class SshFacts(Facts):
    """The user's own key pair, who may log in, and the node's host keys."""

    public_key: tuple[str, ...] = fact(contents("~/.ssh/id_ed25519.pub"), _entries)
    authorized: tuple[str, ...] = fact(contents("~/.ssh/authorized_keys"), _entries)
    known_hosts: tuple[str, ...] = fact(contents("~/.ssh/known_hosts"), _entries)
    host_keys: tuple[str, ...] = fact("cat /etc/ssh/ssh_host_*_key.pub", _entries)
