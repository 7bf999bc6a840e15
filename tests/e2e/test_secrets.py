"""Canaries: secrets planted in every input, and looked for wherever somebody else could read."""

import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.lab import Lab, told

pytestmark = pytest.mark.lab

TOKEN = "hf_CanaryCanaryCanaryCanary"
PASSWORD = "canary of sudo 4711"
IN_NETPLAN = "canary-of-wireless-4712"
IN_DAEMON_JSON = "canary-of-proxy-4713"

# Files that anybody may read, and the logs of the node.
_OPEN_TO_ALL = """\
find / -xdev -type f -perm -o+r -not -path '/proc/*' -not -path '/sys/*' -print0 | xargs -0 grep -lF -e '{word}' || true
journalctl --no-pager | grep -F -e '{word}' | head -n 3 || true
docker inspect $(docker ps -aq) | grep -F -e '{word}' || true"""


class Watch:
    """Looks through the command lines of all processes, again and again; the nodes' processes are among them."""

    def __init__(self, words: list[str]) -> None:
        self.seen: set[str] = set()
        self._words = words
        self._over = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes().decode("utf-8", "replace").replace("\0", " ")
                except OSError:
                    continue
                self.seen |= {f"{word} in: {line[:200]}" for word in self._words if word in line}


def planted(lab: Lab) -> None:
    """Have each node ask for a password, and hold secrets in files that we read."""
    for node in ("spark-1", "spark-2"):
        lab.on(node, "echo 'nvidia ALL=(ALL) ALL' >/etc/sudoers.d/nvidia; rm -f /etc/sudoers.d/*lab*")
        set_password = f"chpasswd <<'END'\nnvidia:{PASSWORD}\nEND"
        lab.on(node, set_password)
        lab.on(
            node,
            # A wireless network itself would need a card.
            "umask 077; cat >/etc/netplan/90-wireless.yaml <<'END'\n"
            f"# wifis: {{home: {{password: {IN_NETPLAN}}}}}\nnetwork: {{version: 2}}\nEND",
        )
        lab.on(
            node,
            "umask 077; mkdir -p /etc/docker; cat >/etc/docker/daemon.json <<'END'\n"
            f'{{"proxies": {{"http-proxy": "http://me:{IN_DAEMON_JSON}@127.0.0.1:1"}}}}\nEND',
        )


def answer(process: subprocess.Popen[str], question: str, word: str) -> None:
    """Type a word when a run asks for it; what was typed before would be thrown away."""
    assert process.stdin is not None
    assert process.stdout is not None
    screen = ""
    while question not in screen:
        letter = process.stdout.read(1)
        assert letter, screen
        screen += letter
    time.sleep(0.5)
    process.stdin.write(f"{word}\n")
    process.stdin.flush()


def written(folder: Path) -> Iterator[tuple[str, str]]:
    """All that a run wrote here, but the journal, which holds the bytes from before and is its owner's alone."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if path.name.endswith(".tar.gz"):
            with tarfile.open(path) as archive:
                for member in archive:
                    file = archive.extractfile(member)
                    yield f"{path.name}/{member.name}", file.read().decode("utf-8", "replace") if file else ""
        elif path.name == "journal.jsonl":
            assert path.stat().st_mode & 0o777 == 0o600
        else:
            yield path.name, path.read_text(encoding="utf-8", errors="replace")


def test_no_secret_is_told_to_anybody(bare: Lab) -> None:
    planted(bare)
    watch = Watch([TOKEN, PASSWORD, IN_NETPLAN, IN_DAEMON_JSON, "SWMTKN-"])
    with watch.watching():
        process = bare.start(
            "--fix", "--train", "smoke", "--ask-become-pass", "--bundle", "-v",
            environment={"HF_TOKEN": TOKEN}, terminal=True,
        )  # fmt: skip
        answer(process, "sudo password", PASSWORD)
        run = bare.finish(process)
    assert run.exit == 0, told(run)
    assert watch.seen == set()

    private = [bare.on(node, "sed -n 3p /home/nvidia/.ssh/id_ed25519").strip() for node in ("spark-1", "spark-2")]
    join = bare.on("spark-1", "docker swarm join-token -q worker").strip()
    words = [TOKEN, PASSWORD, IN_NETPLAN, IN_DAEMON_JSON, join, *private]
    assert all(words)
    texts = [("the screen", run.screen), *written(bare.reports)]
    assert [(name, word) for name, text in texts for word in words if word in text] == []
    for node in ("spark-1", "spark-2"):
        for word in words:
            assert bare.on(node, _OPEN_TO_ALL.format(word=word)) == "", f"{node}: {word}"
