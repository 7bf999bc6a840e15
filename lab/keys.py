"""The lab's SSH keys: one to log in with, and a host key for every node."""

import os
from pathlib import Path

from lab.places import RunDir
from lab.run import check
from lab.settings import Settings


def make_keys(run: RunDir, settings: Settings) -> None:
    """Generate all keys of a lab, and the known_hosts file that goes with them.

    Keys belong to the user who called sudo, if there is one, so that a suite run without root can log in.
    """
    _generate(run.key, "spark-runbook lab")
    run.host_keys.mkdir(mode=0o700)
    known = []
    for name in settings.names:
        _generate(run.host_keys / name, name)
        public = (run.host_keys / f"{name}.pub").read_text().rsplit(" ", 1)[0]
        known.append(f"{settings.address(name)} {public}\n")
    run.known_hosts.touch(mode=0o600)
    run.known_hosts.write_text("".join(known))
    if owner := os.environ.get("SUDO_UID"):
        for path in (run.key, run.known_hosts):
            os.chown(path, int(owner), -1)


def _generate(path: Path, comment: str) -> None:
    check(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
