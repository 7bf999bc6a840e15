"""Docker's SDK through SSH: whoever waits there for an engine can be broken off, and it speaks for nobody."""

import io
import json
import threading
import time
from pathlib import Path

import pytest

from cluster import docker_api
from cluster.cluster import Cluster
from cluster.docker_api import Cut, docker_of
from cluster.errors import CommandFailed
from tests.cluster.nodes import cluster_over
from tests.docker_engine import Engine, listening
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


# What whoever runs us may have for docker on the own machine; `bWU6eHl6enk=` is a login.
OPERATORS = {
    "logins": {"auths": {"nvcr.io": {"auth": "bWU6eHl6enk="}}},
    "a login that cannot be read": {"auths": {"nvcr.io": {"auth": "!"}}},
    "logins of a desktop": {"credsStore": "desktop"},
    "proxies": {"proxies": {"default": {"httpProxy": "http://xyzzy:3128"}}},
    "headers": {"HttpHeaders": {"X-Mine": "xyzzy"}},
}


@pytest.mark.parametrize("configuration", OPERATORS.values(), ids=list(OPERATORS))
def test_an_engine_is_told_nothing_of_what_docker_knows_of_whoever_runs_us(
    here: Cluster, home: Path, monkeypatch: pytest.MonkeyPatch, configuration: dict[str, object]
) -> None:
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    plain = _asked(here, home, monkeypatch)
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(json.dumps(configuration))
    assert _asked(here, home, monkeypatch) == plain


def _asked(here: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Build and pull, and return what the engine was asked."""
    engine = Engine()
    with listening(engine, folder, monkeypatch), docker_of(here.manager, timeout_s=5) as client:
        list(client.api.build(fileobj=io.BytesIO(b"FROM x"), custom_context=True, tag="x", decode=True))
        list(client.api.pull("nvcr.io/nvidia/pytorch:25.10-py3", stream=True, decode=True))
    return engine.asked


@pytest.mark.parametrize("ending", [b"ff\r\n{", b"1\r\n{\r\n0\r\n\r\n"], ids=["in a piece", "after a piece"])
def test_an_engine_that_breaks_off_in_the_middle_of_a_word_has_stopped_answering(
    here: Cluster, home: Path, monkeypatch: pytest.MonkeyPatch, ending: bytes
) -> None:
    with (
        listening(Engine(ends_with=ending), home, monkeypatch),
        pytest.raises(CommandFailed, match=r"^docker on .* stopped answering"),
        docker_of(here.manager, timeout_s=5) as client,
    ):
        list(client.api.pull("x:1", stream=True, decode=True))
