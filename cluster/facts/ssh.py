"""Step 1: whose key opens which door."""

from cluster.facts.base import Facts, Reading, fact


def _lines(reading: Reading) -> tuple[str, ...]:
    # A file that is not there holds no lines.
    return tuple(line.strip() for line in reading.out.splitlines() if line.strip() and not line.startswith("#"))


class SshFacts(Facts):
    """The user's own key pair, who may log in, and the node's host keys."""

    public_key: tuple[str, ...] = fact("cat ~/.ssh/id_ed25519.pub", _lines)
    authorized: tuple[str, ...] = fact("cat ~/.ssh/authorized_keys", _lines)
    known_hosts: tuple[str, ...] = fact("cat ~/.ssh/known_hosts", _lines)
    host_keys: tuple[str, ...] = fact("cat /etc/ssh/ssh_host_*_key.pub", _lines)
