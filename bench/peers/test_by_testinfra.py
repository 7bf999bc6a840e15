"""Stock pytest-testinfra: a test a question and host, by its own modules. EXPECTED names the answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from probes import COMMANDS, FILES, PACKAGES, SYSCTLS, USERS, probes

EXPECTED = json.loads(Path(os.environ["EXPECTED"]).read_text())


@pytest.fixture
def answers(host: Any) -> dict[str, str]:
    found: dict[str, str] = EXPECTED[host.backend.get_hostname()]
    return found


@pytest.mark.parametrize("path", FILES)
def test_file(host: Any, answers: dict[str, str], path: str) -> None:
    file = host.file(path)
    assert (f"{file.mode:o} {file.user}" if file.exists else "") == answers[f"file {path}"]


@pytest.mark.parametrize("name", PACKAGES)
def test_package(host: Any, answers: dict[str, str], name: str) -> None:
    package = host.package(name)
    assert (package.version if package.is_installed else "") == answers[f"package {name}"]


@pytest.mark.parametrize("name", USERS)
def test_user(host: Any, answers: dict[str, str], name: str) -> None:
    user = host.user(name)
    assert (str(user.uid) if user.exists else "") == answers[f"user {name}"]


@pytest.mark.parametrize("name", SYSCTLS)
def test_sysctl(host: Any, answers: dict[str, str], name: str) -> None:
    assert host.run(probes()[f"sysctl {name}"]).stdout.rstrip("\n") == answers[f"sysctl {name}"]


@pytest.mark.parametrize("command", COMMANDS)
def test_command(host: Any, answers: dict[str, str], command: str) -> None:
    assert host.run(command).stdout.rstrip("\n") == answers[f"command {command}"]
