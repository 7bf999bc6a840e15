"""The examples for CI are well-formed, and the commands in them do what they say."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.project import REPO, Project
from tests.sshd import Sshd

CI = REPO / "docs" / "ci"


def commands(example: str) -> list[str]:
    """All commands that an example has a shell run, in their order."""
    text = (CI / example).read_text(encoding="utf-8")
    if example == "Jenkinsfile":
        return re.findall(r"\bsh(?:\(script:)? '([^']+)'", text)
    data: Any = yaml.safe_load(text)
    if example == "gitlab-ci.yml":
        job = data["readiness"]
        return [*job["before_script"], *job["script"], *job["after_script"]]
    return [step["run"] for step in data["jobs"]["ready"]["steps"] if "run" in step]


@pytest.mark.parametrize("example", ["github-actions.yml", "gitlab-ci.yml", "Jenkinsfile"])
def test_the_commands_leave_a_summary_and_a_junit_file_where_the_example_looks(
    tmp_path: Path, sshd: Sshd, example: str
) -> None:
    project = Project(tmp_path)
    (project.folder / "cluster.yaml").write_text(
        f"nodes: [{{name: here, address: 127.0.0.1, port: {sshd.port}}}]\n"
        f"ssh: {{user: root, key: {sshd.key}, known_hosts: {sshd.known_hosts_of(['127.0.0.1'])}}}\n"
    )
    (project.folder / ".venv" / "bin").mkdir(parents=True)
    python = project.folder / ".venv" / "bin" / "python"
    # The packages are there already, so nothing is installed.
    python.write_text(f'#!/bin/sh\n[ "$2" = pip ] || PYTHONPATH={REPO} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    statuses = [
        subprocess.run(
            ["bash", "-c", command],
            cwd=project.folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "job.md")},
            capture_output=True,
            check=False,
        ).returncode
        for command in commands(example)
        if "-m venv" not in command
    ]
    assert statuses.count(1) == 1, "the check of a file that is not there closes the gate, and nothing else fails"
    assert set(statuses) == {0, 1}
    assert {path.name for path in (project.folder / "readiness").iterdir()} >= {"junit.xml", "summary.md"}
    assert "readiness" in (CI / example).read_text(encoding="utf-8")
    if example == "github-actions.yml":
        assert (tmp_path / "job.md").read_text().startswith("# NOT READY")


def test_every_example_makes_the_same_check() -> None:
    checks = {
        line
        for example in ("github-actions.yml", "gitlab-ci.yml", "Jenkinsfile")
        for command in commands(example)
        for line in command.splitlines()
        if "pytest" in line
    }
    assert checks == {".venv/bin/python -m pytest runbook --inventory=cluster.yaml --report-dir=out"}


def test_the_shell_in_the_examples_can_be_parsed() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    for example in ("github-actions.yml", "gitlab-ci.yml", "Jenkinsfile"):
        for command in commands(example):
            subprocess.run([bash, "-n", "-c", command], check=True)


def test_a_checkout_without_its_inventory_is_an_error_and_not_a_check_of_the_runner(tmp_path: Path) -> None:
    result = Project(tmp_path).run("--inventory=cluster.yaml")
    assert (result.exit, result.report) == (4, None)
    assert "cluster.yaml" in result.err
