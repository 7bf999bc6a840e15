"""Real ways to a node: this machine, and an sshd of our own on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from cluster.cluster import Cluster
from cluster.connection import Connection
from cluster.local import LocalConnection
from cluster.ssh import SshConnection
from tests.cluster.nodes import cluster_over, tell_links, this_cluster
from tests.cluster.user import User
from tests.sshd import Sshd

settings.register_profile("busy machine", deadline=None, max_examples=40)
settings.load_profile("busy machine")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own: nobody's keys are tried, nobody's known hosts are touched."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


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


@pytest.fixture(scope="session")
def here() -> Cluster:
    """This machine as a cluster of one, connected."""
    return this_cluster()


@pytest.fixture(scope="module")
def two_nodes(sshd: Sshd) -> Iterator[Cluster]:
    """Two connected nodes, both served by one sshd, that have told a fabric interface each."""
    cluster = cluster_over(sshd, names=("spark-1", "spark-2"))
    cluster.connect()
    tell_links(cluster)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def user() -> Iterator[User]:
    """A user of this machine whose sudo rules a test may set."""
    if os.geteuid() != 0:
        pytest.skip("adding a user takes root")
    if not Path("/etc/sudoers.d").is_dir():
        pytest.skip("sudo is not installed")
    added = User()
    yield added
    added.remove()
