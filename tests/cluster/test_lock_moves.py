"""The lock of a run over SSH, where a connection goes without a word."""

import os
import signal

import pytest

import engine.lock
from engine.lock import ClusterLock, Locked
from tests.cluster.nodes import cluster_over
from tests.sshd import Sshd


def test_a_connection_that_hangs_takes_no_lock_with_it(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.lock, "_FOLDER", str(sshd.folder / "lock"))
    monkeypatch.setattr(engine.lock, "CHANGING", str(sshd.folder / "changing"))
    before = set(sshd.sessions)
    cluster, other = cluster_over(sshd), cluster_over(sshd)
    cluster.connect()
    lock = ClusterLock(cluster)
    lock.acquire("20260101-000000-fix")
    (session,) = set(sshd.sessions) - before
    os.kill(session, signal.SIGSTOP)
    try:
        # Neither end has noticed; the node would keep the lock for the old connection, and drop it some day.
        cluster.manager.reconnect()
        with cluster.manager.changes_allowed():
            cluster.manager.change("true")
    finally:
        os.kill(session, signal.SIGKILL)
    other.connect()
    second = ClusterLock(other)
    with pytest.raises(Locked, match="run 20260101-000000-fix"):
        second.acquire("20260102-000000-fix")
    lock.release()
    second.acquire("20260102-000000-fix")
    second.release()
    cluster.close()
    other.close()
