"""One run at a time changes a cluster; whoever comes second is told who holds it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.inventory import Inventory, NodeEntry
from engine.lock import ClusterLock, Locked
from tests.engine.project import REPO

HOLDER = """
import time
from cluster.cluster import Cluster
from cluster.inventory import this_machine
from engine.lock import ClusterLock
cluster = Cluster(this_machine())
cluster.connect()
ClusterLock(cluster, "20260101-000000-fix").acquire()
print("locked", flush=True)
time.sleep(60)
"""
FOLDER = Path("/run/spark-runbook")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("the lock lies where only root may write")
    was_there = FOLDER.exists()
    yield
    if not was_there:
        shutil.rmtree(FOLDER, ignore_errors=True)


def _eventually_free(lock: ClusterLock) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with suppress(Locked):
            lock.acquire()
            return True
        time.sleep(0.1)
    return False


def test_the_second_run_is_told_who_holds_the_lock(cluster: Cluster) -> None:
    first, second = ClusterLock(cluster, "20260101-000000-fix"), ClusterLock(cluster, "20260102-000000-fix")
    first.acquire()
    with pytest.raises(Locked, match=r"is being changed by run 20260101-000000-fix of \S+ on \S+: wait until it has"):
        second.acquire()
    first.release()
    assert _eventually_free(second)
    second.release()


def test_while_it_is_held_a_broken_connection_is_not_replaced(cluster: Cluster) -> None:
    lock = ClusterLock(cluster, "20260101-000000-fix")
    assert not cluster.locked
    lock.acquire()
    assert cluster.locked
    lock.release()
    assert not cluster.locked


def test_the_lock_is_gone_when_its_holder_dies(cluster: Cluster) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=REPO, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    lock = ClusterLock(cluster, "20260102-000000-fix")
    with pytest.raises(Locked):
        lock.acquire()
    holder.kill()
    holder.communicate()
    assert _eventually_free(lock)
    lock.release()


def test_all_nodes_are_locked_or_none() -> None:
    # Both names are this machine, so that the second node is locked already: by the first.
    entries = (NodeEntry(name="n0", address="localhost"), NodeEntry(name="n1", address="localhost"))
    cluster = Cluster(Inventory(nodes=entries, local=True))
    cluster.connect()
    with pytest.raises(Locked):
        ClusterLock(cluster, "20260101-000000-fix").acquire()
    alone = ClusterLock(Cluster(Inventory(nodes=entries[:1], local=True)), "20260102-000000-fix")
    alone._cluster.connect()
    assert _eventually_free(alone)
    alone.release()


def test_a_node_that_does_not_answer_is_not_waited_for(cluster: Cluster) -> None:
    cluster.manager.trouble = "it is off"
    lock = ClusterLock(cluster, "20260101-000000-fix")
    lock.acquire()
    lock.release()
    assert not (FOLDER / "holder").exists()
