"""Real ways to a node: this machine, and an sshd of our own on loopback."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.connection import Connection
from cluster.local import LocalConnection
from cluster.ssh import SshConnection
from tests.cluster.sshd import Sshd


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own: nobody's keys are tried, nobody's known hosts are touched."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """An sshd that runs as long as the tests do."""
    if os.geteuid() != 0:
        pytest.skip("an sshd of our own that serves other users takes root")
    if shutil.which("sshd", path="/usr/sbin") is None:
        pytest.skip("openssh-server is not installed")
    # Not pytest's own temporary folder: another user's sudo has to get at it.
    with tempfile.TemporaryDirectory(prefix="spark-runbook-sshd-") as folder:
        server = Sshd(Path(folder))
        yield server
        server.stop()


@pytest.fixture(scope="session", params=["local", "ssh"])
def connection(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """An open connection, once to this machine and once to the sshd on it."""
    way: Connection
    if request.param == "local":
        way = LocalConnection()
    else:
        server: Sshd = request.getfixturevalue("sshd")
        way = SshConnection(server.target)
    way.open()
    yield way
    way.close()
