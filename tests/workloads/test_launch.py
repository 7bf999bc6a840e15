"""What a launch makes of what Docker hands it: two streams in pieces, and a follower that breaks off."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cluster.docker_api import Cut
from cluster.facts.base import Reading
from workloads import launch as launching
from workloads.finetune.metrics import Metrics
from workloads.job import FINISHED, Rank, Training
from workloads.launch import Launch

if TYPE_CHECKING:
    from pathlib import Path

Pieces = list[tuple[bytes | None, bytes | None]]
TOKEN = "hf_abcdefghijklmnopqrstuvwxyz"


def _told(event: str, **fields: object) -> bytes:
    return json.dumps({"event": event, "rank": 0} | fields).encode() + b"\n"


GOOD: Pieces = [(_told("start", world_size=1), None), (_told("end", weights_sha256="a"), None)]


class _Docker:
    """An engine whose one container says what is given."""

    def __init__(self, pieces: Pieces) -> None:
        self.api = self
        self.containers = self
        self.environment: dict[str, str] = {}
        self.ended: list[str] = []
        """The nodes whose ranks were told to end."""
        self._pieces = pieces

    def exec_create(self, *_: object, environment: dict[str, str], **__: object) -> dict[str, str]:
        self.environment = environment
        return {"Id": "1"}

    def exec_start(self, _process: str, **how: bool) -> Iterator[Any]:
        assert how["stream"]
        yield from self._pieces if how.get("demux") else [piece for both in self._pieces for piece in both if piece]

    def exec_inspect(self, _process: str) -> dict[str, int]:
        return {"ExitCode": 0}


def _launched(
    monkeypatch: pytest.MonkeyPatch, docker: _Docker, containers: int = 1, notes: list[Reading] | None = None
) -> Training:
    @contextmanager
    def docker_of(*_: object, **__: object) -> Iterator[_Docker]:
        yield docker

    monkeypatch.setattr(launching, "docker_of", docker_of)
    container = SimpleNamespace(ours=[SimpleNamespace(id="c")] * containers)
    node = SimpleNamespace(
        rank=0, name="spark-1", container=container, note=[].append if notes is None else notes.append
    )
    cluster: Any = SimpleNamespace(nodes=[node], size=1, inventory=SimpleNamespace(device="cpu"))
    cluster.tell = lambda *_: None
    cluster.on_all = lambda _, nodes: docker.ended.extend(node.name for node in nodes)
    return Launch(cluster, "tiny").run()


def test_an_event_is_heard_though_a_progress_bar_on_stderr_stands_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (start, _), (end, _) = GOOD
    assert start
    assert end
    pieces: Pieces = [(start, b"\rGenerating:  40%"), (end[:9], b"\rGenerating:  90%"), (end[9:], b" a warning\n")]
    training = _launched(monkeypatch, _Docker(pieces))
    assert training.outcome == FINISHED
    assert training.numbers == [0]


def test_a_letter_that_comes_in_two_pieces_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    word = "gr\u00fcn".encode()
    training = _launched(monkeypatch, _Docker([(None, word[:3]), (None, word[3:]), *GOOD]))
    assert list(training.ranks[0].log) == ["gr\u00fcn"]


def test_a_follower_that_breaks_off_is_a_failure_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _launched(monkeypatch, _Docker(GOOD), containers=0).outcome
    assert told.startswith("rank 0 on spark-1: it was lost sight of: IndexError")


def test_a_rank_that_was_lost_sight_of_is_ended_and_one_that_was_seen_to_end_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class BreaksOff(_Docker):
        def exec_start(self, _process: str, **how: bool) -> Iterator[Any]:
            yield from super().exec_start(_process, **how)
            raise ConnectionError("reset by peer")

    lost, good = BreaksOff(GOOD[:1]), _Docker([(_told("error", message="no"), None)])
    assert _launched(monkeypatch, lost).outcome.startswith("rank 0 on spark-1: it was lost sight of: ConnectionError")
    assert lost.ended == ["spark-1"]
    _launched(monkeypatch, good)
    assert good.ended == []


def test_the_verdict_rests_on_what_a_failed_rank_said_last(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[Reading] = []
    words = b"Traceback (most recent call last):\nOSError: No space left on device\n"
    assert _launched(monkeypatch, _Docker([(None, words)]), notes=notes).outcome != FINISHED
    (note,) = notes
    assert (note.exit, note.out) == (0, words.decode().strip())
    assert "finetune --recipe" in note.command
    _launched(monkeypatch, _Docker(GOOD), notes=notes)
    assert notes == [note]


def test_a_node_that_fell_silent_is_not_waited_for_and_is_the_one_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(_Docker):
        def exec_start(self, _process: str, **_how: bool) -> Iterator[Any]:
            gone.wait(20)
            yield from ()

    @contextmanager
    def docker_of(node: Any, *, cut: Cut | None = None, **_: object) -> Iterator[_Docker]:
        assert cut is not None
        if node.rank == 1:
            cut.add(gone.set)
        yield engines[node.rank]

    gone = threading.Event()
    engines = [_Docker([(_told("error", message="waited 60 s for another rank"), None)]), Silent([])]
    monkeypatch.setattr(launching, "docker_of", docker_of)
    monkeypatch.setattr(launching, "GRACE_S", 0.1)
    monkeypatch.setattr(launching, "FAREWELL_S", 0.5)
    container = SimpleNamespace(ours=[SimpleNamespace(id="c")])
    nodes = [
        SimpleNamespace(rank=rank, name=f"spark-{rank + 1}", container=container, note=lambda _: None)
        for rank in range(2)
    ]
    cluster: Any = SimpleNamespace(nodes=nodes, size=2, inventory=SimpleNamespace(device="cpu"))
    cluster.tell = cluster.on_all = lambda *_: None
    started = time.monotonic()
    told = Launch(cluster, "tiny").run()
    assert time.monotonic() - started < 10
    assert told.outcome.startswith("rank 1 on spark-2 hangs")
    # Its follower has come to its end, so that none speaks of it any more.
    assert not told.ranks[1].running


def test_a_token_that_ends_in_a_newline_is_handed_on_without_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN}\n")
    docker = _Docker([*GOOD, (f"using {TOKEN}\n".encode(), None)])
    assert list(_launched(monkeypatch, docker).ranks[0].log) == ["using (redacted)"]
    assert docker.environment == {"HF_TOKEN": TOKEN}


def test_an_event_and_its_newline_are_written_in_one_piece(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Pipe(io.StringIO):
        def write(self, text: str) -> int:
            pieces.append(text)
            return len(text)

    pieces: list[str] = []
    monkeypatch.setattr(sys, "stdout", Pipe())
    Metrics(tmp_path, 0).phase("training")
    (line,) = pieces
    rank = Rank(0, "spark-1")
    rank.hear(line)
    assert (line[-1], rank.doing) == ("\n", "training")
