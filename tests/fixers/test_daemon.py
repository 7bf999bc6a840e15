"""daemon.json is written where dockerd accepts it, and where dockerd is too old to be asked."""

import os
from pathlib import Path

import pytest

from cluster.errors import CommandFailed
from cluster.node import Node
from engine.journal import Journal
from fixers.daemon import WriteDaemonJson
from tests.fixers.conftest import applied

OLD = "echo 'unknown flag: --validate' >&2; exit 125"
NEW = "grep -q good || { echo 'no such setting' >&2; exit 1; }"


@pytest.fixture
def dockerd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program, yet to be written."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "dockerd"


def _write(dockerd: Path, validate: str) -> None:
    dockerd.write_text(f"#!/bin/sh\n{validate}\n")
    dockerd.chmod(0o755)


@pytest.mark.parametrize("validate", [OLD, NEW])
def test_it_is_written(here: Node, dockerd: Path, journal: Journal, validate: str) -> None:
    _write(dockerd, validate)
    path = dockerd.with_name("daemon.json")
    applied(WriteDaemonJson(here, str(path), b"good"), journal)
    assert path.read_bytes() == b"good"


def test_what_dockerd_refuses_is_not_written(here: Node, dockerd: Path, journal: Journal) -> None:
    _write(dockerd, NEW)
    path = dockerd.with_name("daemon.json")
    with pytest.raises(CommandFailed, match=r"^`dockerd --validate` on \S+ failed with exit 1: no such setting$"):
        applied(WriteDaemonJson(here, str(path), b"bad"), journal)
    assert not path.exists()
