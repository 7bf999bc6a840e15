"""Time the same sixty questions by every contestant, on labs of light nodes; needs root, and the peers' environments.

    python bench/peers/compare.py --sizes 2 8 32

Every contestant is a whole process and compares the answers with those of the hand-written script. Contestants take
turns, and of each the median counts. The peers are installed into --environments unless they are there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from probes import probes

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = ("ansible", "testinfra", "pyinfra")
LONGEST_S = 900
BY_HAND, PLAINEST, OURS = "by hand", "paramiko, nothing else", "ours"


class Contest:
    """One lab of so many light nodes, and every contestant's command on it."""

    def __init__(self, size: int, folder: Path, environments: Path) -> None:
        """Boot the lab, and write down what each contestant is told."""
        self.size = size
        self._folder = folder
        self._environments = environments
        self._lab = {**os.environ, "SPARK_RUNBOOK_LAB": str(folder / "lab")}
        self.lab("up", "--nodes", str(size), "--light")
        (folder / "inventory.yaml").write_text(self.lab("inventory"))
        inventory = yaml.safe_load((folder / "inventory.yaml").read_text())
        self.hosts = {node["name"]: node["address"] for node in inventory["nodes"]}
        self._key = inventory["ssh"]["key"]
        (folder / "ssh_config").write_text(_ssh_config(self.hosts, inventory["ssh"]))
        script = "\n".join(f"echo '== {number}'\n{command}" for number, command in enumerate(probes().values()))
        (folder / "script.sh").write_text(script + "\n")
        (folder / "answers").mkdir()
        # Away from this project, whose own plugin pytest would load.
        for name in ("test_by_testinfra.py", "probes.py"):
            shutil.copy(HERE / name, folder)
        (folder / "pytest.ini").touch()
        # A list of hosts on pyinfra's command line is tried as a file's name first, for which 32 hosts are too long.
        (folder / "hosts.py").write_text(f"hosts = {list(self.hosts)}\n")

    def lab(self, *words: str) -> str:
        """Run `python -m lab`."""
        command = [sys.executable, "-m", "lab", *words]
        return subprocess.run(command, cwd=ROOT, env=self._lab, check=True, capture_output=True, text=True).stdout

    def expect(self) -> None:
        """Take the answers of the hand-written script as what the others have to find."""
        subprocess.run(self.by_hand(), check=True)
        expected = {}
        for host in self.hosts:
            said = (self._folder / "answers" / host).read_text().split("== ")[1:]
            answers = [part.partition("\n")[2].rstrip("\n") for part in said]
            expected[host] = dict(zip(probes(), answers, strict=True))
        (self._folder / "expected.json").write_text(json.dumps(expected))
        (self._folder / "play.yaml").write_text(yaml.safe_dump(_play(), sort_keys=False))
        hosts = {name: {"expected": expected[name]} for name in self.hosts}
        (self._folder / "ansible.yaml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))

    def by_hand(self) -> list[str]:
        """The script that nothing is faster than."""
        told = (self._folder / "ssh_config", self._folder / "script.sh", self._folder / "answers")
        return [str(HERE / "by_hand.sh"), *map(str, told), *self.hosts]

    def contestants(self) -> dict[str, tuple[list[str], dict[str, str]]]:
        """Every contestant's command and environment."""
        folder, config = self._folder, str(self._folder / "ssh_config")
        shared = f"-F {config} -o ControlMaster=auto -o ControlPersist=60s -o ControlPath={folder}/%C"
        pytest = [self._program("testinfra", "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        testinfra = [*pytest, str(folder / "test_by_testinfra.py"), f"--ssh-config={config}"]
        hosts = {way: ",".join(f"{way}://{name}" for name in self.hosts) for way in ("paramiko", "ssh")}
        expected = {"EXPECTED": str(folder / "expected.json"), "PYTHONPATH": str(folder)}
        ansible = {"ANSIBLE_SSH_ARGS": f"-F {config} -o ControlMaster=auto -o ControlPersist=60s"}
        ansible |= {"ANSIBLE_FORKS": str(self.size), "ANSIBLE_LOCALHOST_WARNING": "False"}
        play = ["-i", str(folder / "ansible.yaml"), str(folder / "play.yaml")]
        pyinfra = ["-y", "--data", f"ssh_config_file={config}", "--data", f"ssh_key={self._key}"]
        pyinfra += [str(folder / "hosts.py"), str(HERE / "by_pyinfra.py")]
        plainest = (config, str(folder / "script.sh"), expected["EXPECTED"])
        return {
            BY_HAND: (self.by_hand(), {}),
            PLAINEST: ([sys.executable, str(HERE / "by_paramiko.py"), *plainest, *self.hosts], {}),
            OURS: (
                [sys.executable, str(HERE / "ours.py"), str(folder / "inventory.yaml"), expected["EXPECTED"]],
                {"PYTHONPATH": str(ROOT)},
            ),
            "testinfra, paramiko": ([*testinfra, f"--hosts={hosts['paramiko']}"], expected),
            "testinfra, ssh": ([*testinfra, f"--hosts={hosts['ssh']}"], expected),
            "testinfra, ssh shared": ([*testinfra, f"--hosts={hosts['ssh']}", f"--ssh-extra-args={shared}"], expected),
            "ansible": ([self._program("ansible", "ansible-playbook"), *play], ansible),
            "pyinfra": ([self._program("pyinfra", "pyinfra"), *pyinfra], expected),
        }

    def _program(self, peer: str, name: str) -> str:
        return str(self._environments / peer / "bin" / name)


def _ssh_config(hosts: dict[str, str], ssh: dict[str, Any]) -> str:
    each = "".join(f"Host {name}\n  HostName {address}\n" for name, address in hosts.items())
    return (
        f"{each}Host *\n  User {ssh['user']}\n  IdentityFile {ssh['key']}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {ssh['known_hosts']}\n  StrictHostKeyChecking yes\n  LogLevel ERROR\n"
    )


def _play() -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    for name, command in probes().items():
        wanted = f"expected['{name}']" if "'" not in name else f'expected["{name}"]'
        if name.startswith("file "):
            found = "((r.stat.mode | regex_replace('^0', '')) ~ ' ' ~ r.stat.pw_name) if r.stat.exists else ''"
            act: dict[str, Any] = {"ansible.builtin.stat": {"path": name.removeprefix("file "), "follow": True}}
            act["ansible.builtin.stat"] |= {"get_checksum": False, "get_mime": False, "get_attributes": False}
        else:
            found, act = "r.stdout", {"ansible.builtin.shell": command}
        tasks.append(
            {"name": name, **act, "register": "r", "changed_when": False, "failed_when": f"({found}) != {wanted}"}
        )
    return [{"hosts": "all", "gather_facts": True, "tasks": tasks}]


def run(command: list[str], environment: dict[str, str]) -> float:
    """Run a contestant and return the seconds of its whole process.

    Raises:
        RuntimeError: it failed, or took too long; with its last words.
    """
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"longer than {LONGEST_S} s") from None
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode}: {done.stdout[-700:]} {done.stderr[-700:]}")
    return time.monotonic() - began


def time_all(contest: Contest, turns: int, slow_turns: int, only: list[str]) -> dict[str, list[float] | str]:
    """Let the contestants take turns, the peers fewer; who fails is out, with the reason."""
    told: dict[str, list[float] | str] = {}
    fast = (BY_HAND, PLAINEST, OURS)
    for turn in range(max(turns, slow_turns)):
        for name, (command, environment) in contest.contestants().items():
            so_far = told.setdefault(name, []) if name in fast or not only or name in only else ""
            if isinstance(so_far, list) and turn < (turns if name in fast else slow_turns):
                try:
                    so_far.append(run(command, environment))
                except RuntimeError as error:
                    told[name] = str(error)
    return told


def main() -> None:
    """Install the peers, boot, time, take down, and print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 8, 32])
    parser.add_argument("--turns", type=int, default=5, help="of the fast ones; the slow ones get fewer")
    parser.add_argument("--only", nargs="*", default=[], metavar="PEER", help="beside the fast ones")
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache/spark-runbook-peers")
    arguments = parser.parse_args()
    for peer in PEERS:
        if not (arguments.environments / peer / "bin/python").exists():
            subprocess.run([sys.executable, "-m", "venv", str(arguments.environments / peer)], check=True)
            pip = [str(arguments.environments / peer / "bin/pip"), "install", "--quiet"]
            subprocess.run([*pip, "-r", str(HERE / f"requirements-{peer}.txt")], check=True)
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(prefix="peers") as folder:
            contest = Contest(size, Path(folder), arguments.environments)
            try:
                contest.expect()
                told = time_all(contest, arguments.turns, 3 if size <= 2 else 1, arguments.only)
            finally:
                contest.lab("down")
        _print(size, told)


def _print(size: int, told: dict[str, list[float] | str]) -> None:
    ours, hand = (median(told[name]) if isinstance(told[name], list) else float("nan") for name in (OURS, BY_HAND))
    print(f"\n{size} hosts, {len(probes())} questions each\n| | s | times ours | times by hand |\n|---|---|---|---|")
    for name, seconds in told.items():
        if isinstance(seconds, str):
            print(f"| {name} | {seconds} | | |")
        else:
            middle = median(seconds)
            print(f"| {name} | {middle:.2f} | {middle / ours:.1f} | {middle / hand:.1f} |", flush=True)


if __name__ == "__main__":
    main()
