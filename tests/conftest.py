"""What all of this project's own tests need."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sshd import Sshd


def pytest_configure() -> None:
    """Let runs that the tests start be interrupted: a shell starts its background jobs, us maybe, deaf to SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write a program that is found before the real one of its name; `$FOLDER` is the test's own folder."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("FOLDER", str(tmp_path))

    def write(name: str, script: str) -> None:
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)

    return write


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
