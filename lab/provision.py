"""What makes a bare tree one particular node: its name, keys, network, hardware and stand-ins."""

import json
import os
import platform
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import gpus
from lab.addresses import MANAGEMENT

USER_ID = 1000
STANDINS = Path(__file__).parent / "standins"
FILES = Path(__file__).parent / "files"
BOOT_UNIT = "spark-lab.service"

COMMANDS = {
    "usr/bin/nvidia-smi": "nvidia_smi",
    "usr/bin/nvidia-ctk": "nvidia_ctk",
    "usr/bin/nvidia-container-runtime": "nvidia_container_runtime",
    "usr/sbin/ibdev2netdev": "ibdev2netdev",
    "usr/sbin/ethtool": "ethtool",
    "usr/bin/lspci": "lspci",
    "usr/bin/dmesg": "dmesg",
}
"""Where each stand-in lies on a real node, and the module that plays it."""

START = """\
#!/usr/bin/env -S python3 -S
import sys

sys.path.insert(0, "/usr/lib/spark-lab")
from lab.standins.{module} import main

main()
"""


@dataclass(frozen=True)
class Identity:
    """What distinguishes one node from the next.

    Attributes:
        name: the host name.
        address: its management address.
        host_key: the private ed25519 host key.
        authorized_key: the public key that the user nvidia accepts.
        gpu: its own if that is real; None for a stand-in.
    """

    name: str
    address: str
    host_key: str
    authorized_key: str
    gpu: gpus.RealGpu | None = None


def provision(root: Path, node: Identity, driver: Path) -> None:
    """Write a node's own files into its mounted tree.

    Args:
        root: the node's root directory.
        node: who it is.
        driver: what it will mount of the GPU driver, if its GPU is real.
    """
    _copy(FILES, root)
    wanted = root / "etc/systemd/system/sysinit.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / BOOT_UNIT).symlink_to(f"../{BOOT_UNIT}")
    _write(root / "etc/hostname", f"{node.name}\n")
    # As Debian and Ubuntu installers leave it; gloo finds 127.0.1.1 through it, as it does on a real node.
    _write(root / "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {node.name}\n\n::1 ip6-localhost ip6-loopback\n")
    _write(root / "etc/machine-id", f"{uuid.uuid4().hex}\n", 0o444)
    _write(root / "etc/ssh/ssh_host_ed25519_key", node.host_key, 0o600)
    _write(root / "etc/netplan/50-management.yaml", _management(node), 0o600)
    home = root / "home/nvidia/.ssh"
    home.mkdir(mode=0o700)
    _write(home / "authorized_keys", node.authorized_key, 0o600)
    # As after a first login: sudo leaves it, and a check would be what changed the home.
    told = home.parent / ".sudo_as_admin_successful"
    _write(told, "")
    for path in (home, home / "authorized_keys", told):
        os.chown(path, USER_ID, USER_ID)
    _write(root / "var/lib/spark-lab/hardware.json", json.dumps(_hardware(node.gpu), indent=2) + "\n")
    _install_standins(root)
    if node.gpu:
        _link_driver(root, driver)


def _management(node: Identity) -> str:
    return (
        "network:\n"
        "  version: 2\n"
        "  renderer: networkd\n"
        "  ethernets:\n"
        f"    {MANAGEMENT}:\n"
        f"      addresses: [{node.address}/24]\n"
    )


def _hardware(gpu: gpus.RealGpu | None) -> dict[str, Any]:
    simulated: dict[str, Any] = json.loads((STANDINS / "hardware.json").read_text())
    if gpu:
        return gpus.hardware(simulated, gpu)
    if gpus.LOADED.exists():
        simulated["driver"]["version"] = gpus.LOADED.read_text().strip()
    for each in simulated["gpus"]:
        each["uuid"] = f"GPU-{uuid.uuid4()}"
    return simulated


def _link_driver(root: Path, driver: Path) -> None:
    """Put the driver's programs where a node's shell and loader look: real ones, in the stand-ins' place."""
    places = {"bin": "usr/bin", "lib64": f"usr/lib/{platform.machine()}-linux-gnu"}
    for folder, place in places.items():
        for path in (driver / folder).iterdir():
            link = root / place / path.name
            link.unlink(missing_ok=True)
            link.symlink_to(f"{gpus.IN_NODE}/{folder}/{path.name}")


def _install_standins(root: Path) -> None:
    """Stand-ins go where the real tools lie; what they replace is kept beside as NAME.real."""
    library = root / "usr/lib/spark-lab/lab"
    _copy(STANDINS, library / "standins")
    # Whoever starts one first keeps its compiled modules for all: without them each start takes a third longer.
    for package in (library, library / "standins"):
        (package / "__pycache__").mkdir(exist_ok=True)
        (package / "__pycache__").chmod(0o1777)
    for place, module in COMMANDS.items():
        command = root / place
        if command.exists():
            command.rename(f"{command}.real")
        _write(command, START.format(module=module), 0o755)


def _copy(source: Path, target: Path) -> None:
    """Copy files with modes of our own: those of a checkout depend on its owner's umask."""
    for path in source.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            _write(target / path.relative_to(source), path.read_text())


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(text)
