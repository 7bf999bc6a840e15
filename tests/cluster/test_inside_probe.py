"""The inside of a container is told as its own programs tell it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.probes import invocation


def _told(*folders: Path) -> list[str]:
    command = shlex.split(invocation("inside"))
    environment = {**os.environ, "PYTHONPATH": ":".join(map(str, folders))}
    said = subprocess.run([sys.executable, *command[1:]], env=environment, check=True, capture_output=True, text=True)
    return said.stdout.partition("== packages\n")[2].splitlines()


def _package(folder: Path, name: str, metadata: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "METADATA").write_text(metadata)


def test_all_packages_are_told_with_their_versions() -> None:
    program = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"
    own = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    command = shlex.split(invocation("inside"))
    said = subprocess.run([sys.executable, *command[1:]], check=True, capture_output=True, text=True).stdout
    assert len(own) > 20
    assert sorted(said.partition("== packages\n")[2].splitlines()) == sorted(own)


def test_of_two_with_one_name_the_first_on_the_path_comes_first(tmp_path: Path) -> None:
    _package(tmp_path / "near", "torch-2.9.dist-info", "Name: torch\nVersion: 2.9\n")
    _package(tmp_path / "far", "torch-2.8.dist-info", "Name: torch\nVersion: 2.8\n")
    assert _told(tmp_path / "near", tmp_path / "far")[:2] == ["torch 2.9", "torch 2.8"]


def test_what_a_description_says_is_no_metadata(tmp_path: Path) -> None:
    _package(tmp_path, "trl-1.dist-info", "Metadata-Version: 2.1\nName: trl\n\nVersion: of the world\n")
    _package(tmp_path, "empty-1.dist-info", "")
    (tmp_path / "old-1.egg-info").write_text("Name: old\nVersion: 1\n")
    (tmp_path / "dangling-1.egg-info").symlink_to(tmp_path / "nowhere")
    assert _told(tmp_path, tmp_path / "missing")[:2] == ["old 1", "trl "]


def _smi(folder: Path, script: str | None) -> str:
    if script is not None:
        (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "nvidia-smi").chmod(0o755)
    command = shlex.split(invocation("inside"))
    said = subprocess.run(
        [sys.executable, *command[1:]], env={"PATH": f"{folder}:/bin"}, check=True, capture_output=True, text=True
    )
    return said.stdout.partition("\n== packages")[0]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo GPU 0: one; exit 0", "== nvidia-smi 0\nGPU 0: one"),
        ("echo Unknown Error >&2; exit 255", "== nvidia-smi 255\nUnknown Error"),
        (None, "== nvidia-smi 127\nnvidia-smi: No such file or directory"),
    ],
)
def test_what_nvidia_smi_says_is_told_with_its_exit_status(tmp_path: Path, script: str | None, told: str) -> None:
    assert _smi(tmp_path, script) == told
