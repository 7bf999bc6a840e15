"""Whether this machine can hold a lab."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.places import RunDir, cache_dir

BUILD_TOOLS: Final = {"mmdebstrap": "mmdebstrap", "gpg": "gpg"}
"""Programs that build what nodes are made of, and the package of each: what is in the cache needs them no more."""

TOOLS: Final = {
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "rsync": "rsync",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
"""Programs the lab runs, and the Debian or Ubuntu package of each (all of them in packages.txt)."""


def require_root() -> None:
    """Make sure that we may make namespaces and mounts.

    Raises:
        LabError: if this is not Linux, or we are not root.
    """
    if sys.platform != "linux":
        raise LabError("The lab needs Linux: its nodes are Linux namespaces. Run it on a Linux machine, as root.")
    if os.geteuid() != 0:
        raise LabError("The lab makes namespaces and mounts, so it needs root; run the command again with sudo.")


def require(run: RunDir) -> None:
    """Make sure that a lab can be started here.

    Raises:
        LabError: if something is missing, in words that say how to get it.
    """
    require_root()
    require_tools(TOOLS)
    if "overlay" not in Path("/proc/filesystems").read_text() and not _load_overlay():
        raise LabError("The kernel has no overlayfs, on which nodes are mounted; use a kernel that has it.")
    for path in (cache_dir(), run.path):
        # The supervisor has a /run of its own, and would not see its files in the host's.
        if path.is_relative_to("/run") or path.resolve().is_relative_to("/run"):
            raise LabError(f"The lab cannot live below /run ({path}); set SPARK_RUNBOOK_CACHE and SPARK_RUNBOOK_LAB.")


def require_tools(tools: Mapping[str, str]) -> None:
    """Make sure that programs are installed.

    Args:
        tools: their names, and the package of each.

    Raises:
        LabError: if one is missing.
    """
    missing = sorted({package for tool, package in tools.items() if shutil.which(tool) is None})
    if missing:
        raise LabError(f"The lab needs programs that are not here; install them: apt-get install {' '.join(missing)}")


def _load_overlay() -> bool:
    modprobe = shutil.which("modprobe")
    return modprobe is not None and subprocess.run([modprobe, "-q", "overlay"], check=False).returncode == 0
