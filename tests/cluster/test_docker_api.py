"""Docker's SDK through SSH: whoever waits there for an engine can be broken off."""

import threading
import time

import pytest

from cluster import docker_api
from cluster.docker_api import Cut, docker_of
from cluster.errors import CommandFailed
from tests.cluster.nodes import cluster_over
from tests.sshd import Sshd


def test_an_engine_that_never_answers_is_left_when_the_talk_is_cut(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_api, "_DIAL", "sleep 20")
    cluster = cluster_over(sshd)
    cluster.connect()
    cut = Cut()
    threading.Timer(0.5, cut.make).start()
    started = time.monotonic()
    with (
        pytest.raises(CommandFailed, match=r"^docker on spark-1"),
        docker_of(cluster.manager, timeout_s=60, cut=cut),
    ):
        pytest.fail("there is no engine")
    assert time.monotonic() - started < 10
    # The connection is left as it is: others use it.
    assert cluster.manager.read("echo here").out == "here\n"
    cluster.close()
