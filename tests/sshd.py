"""A real sshd of our own on loopback, with its own keys and a port of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from cluster.ssh_target import Target

PATIENCE_S = 5


def make_key(path: Path, passphrase: str = "") -> Path:
    """Make an ed25519 key pair and return the path of its private half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", path], check=True)
    return path


class Sshd:
    """A listening sshd that lets root, and any user, in by one key; `stop` ends it and all its sessions."""

    def __init__(self, folder: Path) -> None:
        """Start it and return when it answers."""
        self.folder = folder
        self.key = make_key(folder / "id")
        self.host_key = make_key(folder / "host")
        shutil.copy(self.key.with_suffix(".pub"), folder / "authorized")
        folder.chmod(0o755)
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd itself insists on it
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        config = folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nListenAddress 127.0.0.2\n"
            f"HostKey {self.host_key}\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {folder / 'authorized'}\nStrictModes no\nPermitRootLogin yes\n"
            "PasswordAuthentication no\nMaxStartups 50\nMaxSessions 50\n"
        )
        self._process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", config], stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("sshd did not come up")

    def stop(self) -> None:
        """End the listener and what it has started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(PATIENCE_S)

    @property
    def sessions(self) -> list[int]:
        """The ids of the processes that serve open connections."""
        listed = subprocess.run(["pgrep", "-P", str(self._process.pid)], check=False, capture_output=True, text=True)
        return [int(pid) for pid in listed.stdout.split()]

    @property
    def known_hosts_line(self) -> str:
        """The line of known_hosts that makes it trusted."""
        algorithm, key, *_ = self.host_key.with_suffix(".pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {algorithm} {key}\n"

    def known_hosts_of(self, addresses: list[str]) -> Path:
        """Write a known_hosts that trusts it under several addresses of loopback."""
        path = self.folder / "known_hosts_of_all"
        key = self.known_hosts_line.split(" ", 1)[1]
        path.write_text("".join(f"[{address}]:{self.port} {key}" for address in addresses))
        return path

    @property
    def target(self) -> Target:
        """The way to it, as root and with its host key known."""
        known_hosts = self.folder / "known_hosts"
        known_hosts.write_text(self.known_hosts_line)
        return Target("spark-1", "127.0.0.1", self.port, "root", (self.key,), known_hosts, False, 5.0)
