"""Many nodes that look at each other at once do not turn each other away."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from shlex import quote

import pytest

from cluster.facts import logins
from cluster.facts.doors import DoorFacts
from cluster.facts.logins import LoginFacts
from cluster.facts.mesh import MeshFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.script import build_script
from tests.runbook.recorded import Recorded
from tests.runbook.swarm_answers import links

NODES = 12
LONGEST_ARGUMENT = 128 * 1024
"""Linux takes no longer one (MAX_ARG_STRLEN of 4 KiB pages), and a login shell is given the whole script as one."""
PORTS = "rocep1s0f1 port 1 ==> enp1s0f1np1 (Up)\n"


def _mesh(recorded: Callable[..., Recorded], size: int, port: int = 22) -> Recorded:
    cluster = recorded(size=size, port=port)
    for number in range(1, size + 1):
        address = f"192.168.100.{number}"
        cluster.said(NetworkFacts, f"spark-{number}", links=links("enp1s0f1np1", address), ports=PORTS, listening="")
    return cluster


def _scripts(recorded: Callable[..., Recorded], size: int = NODES, port: int = 22) -> list[str]:
    """What each node runs to log in to its peers."""
    nodes = _mesh(recorded, size, port).cluster.nodes
    return [probe.command for node in nodes for probe in LoginFacts.probes(node)]


def test_every_node_is_called_by_few_at_a_time(recorded: Callable[..., Recorded]) -> None:
    first = [re.findall(r"nvidia@(\S+)", script.split("'")[1]) for script in _scripts(recorded)]
    assert {len(called) for called in first} == {4}
    assert set(Counter(address for called in first for address in called).values()) == {4}


def test_every_peer_is_called_once(recorded: Callable[..., Recorded]) -> None:
    for number, script in enumerate(_scripts(recorded), 1):
        called = re.findall(r"nvidia@([\d.]+)", script)
        assert sorted(called) == sorted(f"192.168.100.{one}" for one in range(1, NODES + 1) if one != number)


def test_of_many_peers_each_node_calls_a_few_and_is_called_by_as_many_and_by_the_manager(
    recorded: Callable[..., Recorded],
) -> None:
    manager, *workers = [re.findall(r"nvidia@192\.168\.100\.(\d+)", script) for script in _scripts(recorded, 40)]
    assert len(manager) == 39
    assert workers[9] == ["12", "13", "15", "19", "27", "1", "3"]
    calls = Counter(number for called in workers for number in called)
    assert calls["1"] == 39
    assert {calls[str(number)] for number in range(2, 41)} <= {5, 6, 7}


def test_the_questions_to_250_peers_fit_into_one_argument_four_times(recorded: Callable[..., Recorded]) -> None:
    cluster = _mesh(recorded, 250)
    for subject in (MeshFacts, DoorFacts, LoginFacts):
        for node in (cluster.cluster.manager, cluster.cluster.nodes[-1]):
            script, _ = build_script(subject.probes(node), become=lambda root: f"sudo -n -- /bin/sh -c {quote(root)}")
            assert len(quote(script)) < LONGEST_ARGUMENT / 4


def _logged_in(recorded: Callable[..., Recorded], ssh: str, folder: Path, port: int) -> str:
    """What the manager's logins come to, where ssh is a program of ours."""
    (folder / "ssh").write_text(f"#!/bin/sh\n{ssh}\n")
    (folder / "ssh").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    script = _scripts(recorded, port=port)[0]
    return subprocess.run(["sh", "-c", script], env={"PATH": path}, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("port", [22, 2222])
def test_the_answers_of_all_come_back(
    recorded: Callable[..., Recorded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    monkeypatch.setattr(logins, "_LOGIN_S", 1)
    refused, silent = "echo 'Permission denied' >&2; exit 255", "exec sleep 60"
    port_known = f"case $* in *' -p {port} -- nvidia@'*) ;; *) exit 2;; esac"
    answers = f"case $* in *.7\\ true) {refused};; *.9\\ true) {silent};; *.10\\ true) exit 255;; esac"
    said = _logged_in(recorded, f"{port_known}\n{answers}", tmp_path, port)
    assert len(said.splitlines()) == NODES - 1
    assert "192.168.100.7 Permission denied" in said
    assert "192.168.100.8 open" in said
    assert "192.168.100.9 it answered, and fell silent" in said
    assert "192.168.100.10 ssh ended with 255 and said nothing" in said


def test_ssh_says_why_also_where_its_configuration_keeps_it_quiet(
    recorded: Callable[..., Recorded], tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  HostName 127.0.0.1\n  LogLevel QUIET\n")
    said = _logged_in(recorded, f'exec {shutil.which("ssh")} -F {config} "$@"', tmp_path, port=1)
    assert said.count("ssh: connect to host 127.0.0.1 port 1: Connection refused") == NODES - 1
