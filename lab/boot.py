"""The command that boots a node: systemd-nspawn for a full one, plain namespaces with sshd for a light one."""

import os
from collections.abc import Iterable
from pathlib import Path

from lab.addresses import MANAGEMENT
from lab.cgroups import is_legacy
from lab.gpus import IN_NODE, RealGpu
from lab.places import NodeFiles
from lab.settings import Settings

PACKAGES_IN_NODE = "/opt/spark-lab/python"

WITHHELD = ("sys_time", "sys_module", "sys_rawio")
"""Capabilities that no process of a node has: the clock, the modules and the ports are the host's."""

LIGHT_INIT = """
mount --make-rprivate /
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir -p dev/pts dev/shm run/sshd
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
chroot . sh -e /usr/lib/spark-lab/boot
hostname "$1"
ip address add "$2/24" dev "$3"
exec chroot . setpriv --bounding-set="$4" /usr/sbin/sshd -D -e
"""
"""Arguments: host name, management address, management interface, bounding set; working directory: the node's root."""


def without(capabilities: Iterable[str]) -> str:
    """The argument of setpriv's --bounding-set that takes capabilities away."""
    return ",".join(f"-{name}" for name in capabilities)


def full(
    name: str, files: NodeFiles, settings: Settings, namespace: str, driver: Path
) -> tuple[list[str], dict[str, str]]:
    """The command and environment that boot a node with its own systemd.

    Args:
        name: the node.
        files: its directories.
        settings: the lab's.
        namespace: its network namespace.
        driver: what of the GPU driver it mounts, if its GPU is real.
    """
    gpu = settings.gpu(name)
    command = [
        # nspawn mounts the node's /sys from the namespace it runs in, and that is what udev and networkd read.
        "nsenter",
        f"--net=/run/netns/{namespace}",
        "systemd-nspawn",
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--settings=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=pipe",
        f"--machine={name}",
        f"--directory={files.merged}",
        f"--network-namespace-path=/run/netns/{namespace}",
        f"--bind={files.docker}:/var/lib/docker",
        f"--bind-ro={settings.packages}:{PACKAGES_IN_NODE}",
        *(_real(gpu, driver) if gpu else ()),
        "--capability=all",
        f"--drop-capability={','.join(f'CAP_{name.upper()}' for name in WITHHELD)}",
        # runc makes session keys and mounts, and dockerd loads device filters.
        "--system-call-filter=@keyring bpf @mount",
    ]
    if is_legacy():
        command += [
            "--setenv=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
            "--setenv=SYSTEMD_PROC_CMDLINE=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 systemd.unified_cgroup_hierarchy=0",
        ]
    # netplan apply runs `udevadm trigger`, which writes to /sys.
    return command, {**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes"}


def _real(gpu: RealGpu, driver: Path) -> list[str]:
    return [f"--bind-ro={driver}:{IN_NODE}", *(f"--bind={device}" for device in gpu.devices)]


def light(name: str, files: NodeFiles, address: str, namespace: str) -> tuple[list[str], dict[str, str]]:
    """The command and environment that start a node's sshd alone.

    Args:
        name: the node.
        files: its directories.
        address: its management address.
        namespace: its network namespace.
    """
    withheld = without(WITHHELD)
    command = [
        *("nsenter", f"--net=/run/netns/{namespace}"),
        *("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"),
        *("sh", "-ec", f"cd {Path(files.merged)}\n{LIGHT_INIT}", "sh", name, address, MANAGEMENT, withheld),
    ]
    return command, dict(os.environ)
