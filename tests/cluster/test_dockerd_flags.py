"""How dockerd is started, and by which file, as systemd tells it."""

import os
import subprocess
from pathlib import Path

import pytest

from cluster.facts.base import Reading
from cluster.facts.daemon import _STARTED, _flags, _started_by


@pytest.mark.parametrize(
    ("drop_ins", "by"),
    [
        ({}, "docker.service"),
        ({"a.conf": "ExecStart=\nExecStart=/usr/bin/dockerd -D\n", "b.conf": "Environment=A=b\n"}, "a.conf"),
        ({"a.conf": "ExecStart = /usr/bin/dockerd\n", "b.conf": "ExecStart=/usr/bin/dockerd -D\n"}, "b.conf"),
    ],
)
def test_the_file_that_starts_dockerd_is_the_last_that_says_how(
    tmp_path: Path, drop_ins: dict[str, str], by: str
) -> None:
    for name, text in {"docker.service": "ExecStart=/usr/bin/dockerd\n", **drop_ins}.items():
        (tmp_path / name).write_text(f"[Service]\n{text}")
    added = " ".join(str(tmp_path / name) for name in drop_ins)
    (tmp_path / "systemctl").write_text(
        f"#!/bin/sh\necho 'DropInPaths={added}'; echo 'ExecStart={{ argv[]=/usr/bin/dockerd -D ; }}'\n"
        f"echo 'FragmentPath={tmp_path}/docker.service'\n"
    )
    (tmp_path / "systemctl").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    said = subprocess.run(["sh", "-c", _STARTED], env={"PATH": path}, capture_output=True, text=True, check=True)
    reading = Reading("", 0, said.stdout, said.stderr)
    assert (_flags(reading), _started_by(reading)) == (frozenset({"debug"}), str(tmp_path / by))
