"""The toolkit is installed from apt and taken back with all that came along, where it is still what was installed."""

import os
import subprocess
from pathlib import Path

import pytest

from cluster.facts.base import Reading
from cluster.facts.toolkit import ToolkitFacts
from cluster.node import Node
from engine.change import RunCommand
from engine.undo_step import UndoCommand
from fixers.toolkit import PATIENCE_S, install

BASE, TOOLS, LIBRARY = "nvidia-container-toolkit-base", "libnvidia-container-tools", "libnvidia-container1"
# apt-cache leaves out packages that it has never heard of.
POLICY = """\
nvidia-container-toolkit:
  Installed: {0}
  Candidate: 1.20.1-1
  Version table:
 *** 1.20.1-1 600
nvidia-container-toolkit-base:
  Installed: {1}
  Candidate: 1.20.1-1
libnvidia-container-tools:
  Installed: {1}
  Candidate: 1.20.1-1
"""
APT = "-y -q -o DPkg::Lock::Timeout=120"
OLD = f"{BASE}=1.17.8-1 {TOOLS}=1.17.8-1"
# Knows what is installed by the files of its folder, and writes down what it is asked to do.
DPKG_QUERY = """#!/bin/sh
shift 3
for package; do test ! -e "$FOLDER/$package" || cat "$FOLDER/$package"; done
"""
APT_GET = '#!/bin/sh\ntest "$DEBIAN_FRONTEND" = noninteractive && echo "$*" >>"$FOLDER/done"\n'


def _change(node: Node, toolkit: str, others: str) -> RunCommand:
    told = Reading("", 0, POLICY.format(toolkit, others), "")
    node.keep(ToolkitFacts(node, {"package": told}))
    (change,) = install(node)
    assert isinstance(change, RunCommand)
    return change


def _undo(change: RunCommand) -> UndoCommand:
    (step,) = change.undo()
    assert isinstance(step, UndoCommand)
    return step


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where dpkg-query and apt-get are ours."""
    for name, script in (("dpkg-query", DPKG_QUERY), ("apt-get", APT_GET)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def _run(command: str, folder: Path, **there: str) -> list[str]:
    """Run a command where packages are there, and return what apt-get was asked to do."""
    for name, told in there.items():
        (folder / name.replace("_", "-")).write_text(f"{told}\n")
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "FOLDER": str(folder)}
    subprocess.run(["sh", "-n", "-c", command], check=True)
    subprocess.run(["sh", "-c", command], env=environment, check=True)
    done = folder / "done"
    return done.read_text().splitlines() if done.exists() else []


@pytest.mark.parametrize(
    ("toolkit", "others", "asked"),
    [
        ("(none)", "(none)", [f"{APT} remove nvidia-container-toolkit {BASE} {TOOLS} {LIBRARY}"]),
        (
            "1.17.8-1",
            "1.17.8-1",
            [
                f"{APT} install --allow-downgrades nvidia-container-toolkit=1.17.8-1 {OLD}",
                f"{APT} remove {LIBRARY}",
            ],
        ),
        (
            "(none)",
            "1.17.8-1",
            [f"{APT} install --allow-downgrades {OLD}", f"{APT} remove nvidia-container-toolkit {LIBRARY}"],
        ),
    ],
)
@pytest.mark.parametrize(
    "there",
    [
        {"nvidia_container_toolkit": "installed 1.20.1-1"},
        # Ended in the middle: what it depends on is unpacked first.
        {"libnvidia_container1": "unpacked 1.20.1-1"},
    ],
)
def test_what_came_along_is_taken_back_with_it(
    here: Node, folder: Path, toolkit: str, others: str, asked: list[str], there: dict[str, str]
) -> None:
    change = _change(here, toolkit, others)
    assert _run(change.command, folder) == [f"{APT} install nvidia-container-toolkit=1.20.1-1"]
    (folder / "done").unlink()
    assert _run(_undo(change).command, folder, **there) == asked


@pytest.mark.parametrize(
    "there",
    [
        {},
        {"nvidia_container_toolkit": "installed 1.17.8-1", "nvidia_container_toolkit_base": "installed 1.17.8-1"},
        {"nvidia_container_toolkit": "installed 1.21.0-1", "nvidia_container_toolkit_base": "installed 1.21.0-1"},
        {"nvidia_container_toolkit": "config-files 1.20.1-1"},
        {"nvidia_container_toolkit": "installed 1.20.1-10"},
    ],
)
def test_what_is_not_what_was_installed_stays(here: Node, folder: Path, there: dict[str, str]) -> None:
    assert _run(_undo(_change(here, "1.17.8-1", "1.17.8-1")).command, folder, **there) == []


def test_undo_has_as_much_time_as_the_install(here: Node) -> None:
    assert _undo(_change(here, "(none)", "(none)")).deadline_s == PATIENCE_S
