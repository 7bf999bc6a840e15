"""One run at a time changes a cluster; whoever comes second is told who holds it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import engine.lock
from cluster.cluster import Cluster
from cluster.inventory import Inventory, NodeEntry, this_machine
from cluster.local import _HeldProcess
from engine.lock import ClusterLock, Locked
from tests.engine.project import REPO

HOLDER = """
import time
from cluster.cluster import Cluster
from cluster.inventory import this_machine
from engine.lock import ClusterLock
cluster = Cluster(this_machine())
cluster.connect()
ClusterLock(cluster).acquire("20260101-000000-fix")
print("locked", flush=True)
with cluster.manager.changes_allowed():
    cluster.manager.change("sleep {seconds}", root=True, deadline_s=60)
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
            lock.acquire("20260102-000000-fix")
            return True
        time.sleep(0.1)
    return False


def test_the_second_run_is_told_who_holds_the_lock(cluster: Cluster) -> None:
    first, second = ClusterLock(cluster), ClusterLock(cluster)
    first.acquire("20260101-000000-fix")
    with pytest.raises(Locked, match=r"is being changed by run 20260101-000000-fix of \S+ on \S+: wait until it has"):
        second.acquire("20260102-000000-fix")
    first.release()
    assert _eventually_free(second)
    second.release()


def test_a_holder_that_has_not_said_its_name_yet_is_another_run(cluster: Cluster) -> None:
    first, second = ClusterLock(cluster), ClusterLock(cluster)
    first.acquire("20260101-000000-fix")
    (FOLDER / "holder").unlink()
    with pytest.raises(Locked, match="is being changed by another run: wait until"):
        second.acquire("20260102-000000-fix")
    first.release()


def test_while_it_is_held_a_broken_connection_is_not_replaced(cluster: Cluster) -> None:
    lock = ClusterLock(cluster)
    assert not cluster.locked
    lock.acquire("20260101-000000-fix")
    assert cluster.locked
    lock.release()
    assert not cluster.locked


@contextmanager
def _other_run(seconds: int) -> Iterator[subprocess.Popen[str]]:
    """Another run, which has locked the cluster and makes a change that takes so many seconds."""
    script = HOLDER.replace("{seconds}", str(seconds))
    holder = subprocess.Popen([sys.executable, "-c", script], cwd=REPO, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    try:
        yield holder
    finally:
        holder.kill()
        holder.communicate()


def test_the_lock_is_gone_when_its_holder_dies(cluster: Cluster) -> None:
    lock = ClusterLock(cluster)
    with _other_run(seconds=0), pytest.raises(Locked):
        lock.acquire("20260102-000000-fix")
    assert _eventually_free(lock)
    lock.release()


def test_what_a_killed_run_left_working_is_waited_for(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = ClusterLock(cluster)
    with _other_run(seconds=6):
        time.sleep(0.5)
    monkeypatch.setattr(engine.lock, "PATIENCE_S", 1)
    with pytest.raises(Locked, match="is being changed by a command that a run left working there: wait until"):
        lock.acquire("20260102-000000-fix")
    monkeypatch.setattr(engine.lock, "PATIENCE_S", 20)
    lock.acquire("20260102-000000-fix")
    lock.release()


def _lose_connection(lock: ClusterLock) -> None:
    held = lock._held[lock._cluster.manager]
    assert isinstance(held, _HeldProcess)
    os.killpg(held._process.pid, signal.SIGKILL)
    held._process.wait(5)


def test_a_lock_that_went_with_its_connection_is_taken_again(cluster: Cluster) -> None:
    first, second = ClusterLock(cluster), ClusterLock(Cluster(this_machine()))
    second._cluster.connect()
    first.acquire("20260101-000000-fix")
    _lose_connection(first)
    cluster.manager.reconnect()
    with pytest.raises(Locked, match="run 20260101-000000-fix"):
        second.acquire("20260102-000000-fix")
    first.release()


def test_the_lock_moves_to_the_new_connection_though_the_node_has_not_noticed_the_end_of_the_old(
    cluster: Cluster,
) -> None:
    lock, other = ClusterLock(cluster), ClusterLock(Cluster(this_machine()))
    other._cluster.connect()
    lock.acquire("20260101-000000-fix")
    before = lock._held[cluster.manager]
    cluster.manager.reconnect()
    assert lock._held[cluster.manager] is not before
    until = time.monotonic() + 5
    while before.runs:
        assert time.monotonic() < until, "what ends when the node notices still holds the lock"
        time.sleep(0.05)
    # The new one holds it itself.
    with cluster.manager.changes_allowed(), pytest.raises(Locked, match="run 20260101-000000-fix"):
        other.acquire("20260102-000000-fix")
    lock.release()
    assert _eventually_free(other)
    other.release()


def test_a_run_that_has_not_got_its_lock_back_is_told_so(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = ClusterLock(cluster)
    lock.acquire("20260101-000000-fix")
    monkeypatch.setattr(engine.lock, "TAKE_OVER_S", 0.1)
    (FOLDER / "holder").write_text(f"{lock._holder}\n1\n")  # a process that holds no lock is left alone
    with pytest.raises(Locked, match="run 20260101-000000-fix"):
        cluster.manager.reconnect()
    lock.release()


def test_a_node_whose_lock_has_ended_is_changed_no_more(cluster: Cluster) -> None:
    lock, node = ClusterLock(cluster), cluster.manager
    lock.acquire("20260101-000000-fix")
    with node.changes_allowed():
        node.change("true")
    _lose_connection(lock)
    told = f"{node.name} is not locked by this run any more, so another one may have changed it: start this one again."
    with pytest.raises(Locked) as refused, node.changes_allowed():
        pytest.fail("it may be changed")
    assert str(refused.value) == told
    lock.release()
    with node.changes_allowed():
        node.change("true")


def test_a_holder_that_falls_silent_loses_the_lock(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.lock, "SILENCE_S", 1)
    silent, other = ClusterLock(cluster), ClusterLock(Cluster(this_machine()))
    other._cluster.connect()
    monkeypatch.setattr(ClusterLock, "_keep_up", lambda *_: None)
    silent.acquire("20260101-000000-fix")
    assert _eventually_free(other)
    other.release()
    silent.release()


def test_a_holder_that_is_heard_of_keeps_the_lock(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.lock, "SILENCE_S", 1)
    monkeypatch.setattr(engine.lock, "BEAT_S", 0.1)
    lock, other = ClusterLock(cluster), ClusterLock(Cluster(this_machine()))
    other._cluster.connect()
    lock.acquire("20260101-000000-fix")
    time.sleep(1.5)
    with pytest.raises(Locked):
        other.acquire("20260102-000000-fix")
    lock.release()


def test_a_node_that_another_run_locked_meanwhile_is_left_to_it(cluster: Cluster) -> None:
    first, second = ClusterLock(cluster), ClusterLock(Cluster(this_machine()))
    second._cluster.connect()
    first.acquire("20260101-000000-fix")
    _lose_connection(first)
    second.acquire("20260102-000000-fix")
    with pytest.raises(Locked, match="run 20260102-000000-fix"):
        cluster.manager.reconnect()
    assert "run 20260102-000000-fix" in str(cluster.manager.trouble)
    second.release()
    first.release()


def test_all_nodes_are_locked_or_none() -> None:
    # Both names are this machine, so that the second node is locked already: by the first.
    entries = (NodeEntry(name="n0", address="localhost"), NodeEntry(name="n1", address="localhost"))
    cluster = Cluster(Inventory(nodes=entries, local=True))
    cluster.connect()
    with pytest.raises(Locked):
        ClusterLock(cluster).acquire("20260101-000000-fix")
    alone = ClusterLock(Cluster(Inventory(nodes=entries[:1], local=True)))
    alone._cluster.connect()
    assert _eventually_free(alone)
    alone.release()


def test_a_node_that_does_not_answer_is_not_waited_for(cluster: Cluster) -> None:
    cluster.manager.trouble = "it is off"
    lock = ClusterLock(cluster)
    lock.acquire("20260101-000000-fix")
    lock.release()
    assert not (FOLDER / "holder").exists()


def test_a_folder_that_cannot_be_had_is_no_other_run(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(engine.lock, "_FOLDER", str(tmp_path / "file"))
    with pytest.raises(Locked, match=r"cannot be locked \(mkdir: .*\): put .*/file right there"):
        ClusterLock(cluster).acquire("20260101-000000-fix")


def test_whoever_has_no_name_on_this_machine_locks_by_number(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 54321")

    monkeypatch.setattr("getpass.getuser", nobody)
    lock = ClusterLock(cluster)
    lock.acquire("nameless")
    with pytest.raises(Locked, match=f"run nameless of uid {os.getuid()} on "):
        ClusterLock(cluster).acquire("second")
    lock.release()
