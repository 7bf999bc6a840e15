"""The way back of a network change is waited for, and not for ever."""

import subprocess
from pathlib import Path

import pytest

from cluster.connection import Said
from cluster.errors import CommandFailed, Unreachable
from cluster.node import Node
from engine import dead_man


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_man, "PATIENCE_S", -14)


def test_a_node_that_has_its_old_network_back_is_waited_for_no_longer(
    here: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_man, "_is_armed", lambda _: False)
    assert dead_man.wait_until_struck(here) is None


def test_a_way_back_that_hangs_is_told_of(here: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_man, "_is_armed", lambda _: True)
    assert "has not come to its end: look at `systemctl status" in str(dead_man.wait_until_struck(here))
    with pytest.raises(CommandFailed, match="has not got its network back since an earlier run changed it: /run"):
        dead_man.take_back_unconfirmed(here)


def test_a_node_that_stays_away_is_told_of(here: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def stays_away() -> None:
        raise Unreachable("it is gone")

    monkeypatch.setattr(here, "reconnect", stays_away)
    assert dead_man.wait_until_struck(here) == "it is gone"


class Machine:
    """What the switch asks of a node, done in a folder of this machine; systemd starts nothing by itself there."""

    def __init__(self, folder: Path, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand in for the node's shell."""
        self.folder = folder
        for name in ("systemctl", "systemd-run"):
            program = folder / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text("#!/bin/sh\n", encoding="utf-8")
            program.chmod(0o755)
        monkeypatch.setattr(node, "change", self._change)

    def _change(self, command: str, *, what: str, stdin: bytes = b"", deadline_s: float = 10.0) -> Said:
        here = str(self.folder / "run").encode()
        done = self.run(command, stdin.replace(b"/run/spark-runbook", here), deadline_s)
        if done.returncode != 0:
            raise CommandFailed(f"{what} failed: {done.stderr.decode()}")
        return Said(command, 0, done.stdout, done.stderr, 0.0)

    def run(self, command: str, stdin: bytes = b"", deadline_s: float = 10.0) -> "subprocess.CompletedProcess[bytes]":
        """Run a command of the switch."""
        return subprocess.run(
            ["/bin/sh", "-c", command.replace("/run/spark-runbook", str(self.folder / "run"))],
            input=stdin,
            capture_output=True,
            timeout=deadline_s,
            check=False,
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin"},
        )

    def strikes(self) -> "subprocess.CompletedProcess[bytes]":
        """Do what the timer does when it has run out."""
        return self.run(f"/bin/sh {dead_man._SCRIPT}")


@pytest.fixture
def machine(tmp_path: Path, here: Node, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, here, monkeypatch)


def test_what_is_confirmed_is_not_taken_back(here: Node, machine: Machine) -> None:
    dead_man.arm(here, f"touch {machine.folder}/back\n")
    dead_man.disarm(here)
    assert machine.strikes().returncode != 0
    assert not (machine.folder / "back").exists()


def test_it_cannot_be_confirmed_any_more_while_the_node_goes_back(here: Node, machine: Machine) -> None:
    go_on = machine.folder / "go-on"
    dead_man.arm(here, f"touch {machine.folder}/begun; until test -e {go_on}; do sleep 0.1; done\n")
    with subprocess.Popen(["/bin/sh", str(machine.folder / "run/network-back.sh")]) as striking:
        try:
            while not (machine.folder / "begun").exists():
                assert striking.poll() is None
            with pytest.raises(CommandFailed):
                dead_man.disarm(here)
        finally:
            go_on.touch()


def test_going_back_at_once_is_done_once(here: Node, machine: Machine) -> None:
    dead_man.arm(here, f"echo back >>{machine.folder}/back\n")
    dead_man.strike(here)
    with pytest.raises(CommandFailed):
        dead_man.strike(here)
    assert (machine.folder / "back").read_text(encoding="utf-8") == "back\n"
