"""The tree that all nodes share: Debian 13 with what a DGX Spark's OS has and the playbook uses."""

from pathlib import Path

from lab import debian
from lab.build import once, recipe_key
from lab.places import cache_dir
from lab.progress import Step

SUITE = "trixie"

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "udev",  # netplan apply runs udevadm
    "dbus",
    "openssh-server",
    "openssh-client",
    "docker.io",
    "docker-cli",
    "iproute2",
    "iputils-ping",
    "ethtool",
    "sudo",
    "netplan.io",
    "network-manager",  # as a Spark has it; masked until somebody wants it
    "iptables",
    "procps",
    "ca-certificates",
    "kmod",
    "python3",
)

# What dpkg-query says of the stand-in toolkit.
TOOLKIT_STANZA = "\\n".join(
    (
        "Package: nvidia-container-toolkit",
        "Status: install ok installed",
        "Priority: optional",
        "Section: utils",
        "Maintainer: Spark Runbook lab <lab@localhost>",
        "Architecture: all",
        "Version: 1.20.1-1",
        "Description: stand-in of the lab",
        "",
        "",
    )
)

MASKED = (
    # These set up the machine, which is the host's business.
    "systemd-sysctl.service",
    "systemd-modules-load.service",
    "kmod-static-nodes.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "dev-hugepages.mount",
    "modprobe@.service",
    # networkd brings the interfaces up, and this one would take them over.
    "NetworkManager.service",
    # These serve a machine that is kept for months.
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
)

HOOKS = (
    'chroot "$1" useradd --create-home --uid 1000 --shell /bin/bash --groups sudo nvidia',
    f"printf '{TOOLKIT_STANZA}' >> \"$1\"/var/lib/dpkg/status",
    f'chroot "$1" systemctl mask {" ".join(MASKED)}',
    # Or the first boot of every node would look for what changed since it was installed.
    'touch "$1"/etc/.updated "$1"/var/.updated',
    'rm -f "$1"/etc/ssh/ssh_host_* "$1"/usr/bin/ctr "$1"/etc/motd',
)


RECIPE = debian.options(SUITE, PACKAGES, HOOKS)


def place() -> Path:
    """Where the tree is in the cache, or will be."""
    return cache_dir() / f"tree-{recipe_key(*RECIPE)}"


def node_tree() -> Path:
    """The unpacked tree in the cache, built on first use (500 MB)."""

    def make(target: Path, work: Step) -> None:
        debian.bootstrap(RECIPE, target, work)

    return once(place(), "Building the node tree (Debian 13)", "about a minute, once", make)
