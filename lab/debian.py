"""A minimal Debian, by mmdebstrap, for the nodes and for the training image."""

import os
from collections.abc import Sequence
from pathlib import Path

from lab.build import follow
from lab.host import BUILD_TOOLS, require_tools
from lab.keys_of_debian import keyring_options
from lab.progress import Step

LEAN = ("doc", "man", "info", "locale", "lintian", "bug")
"""Directories of /usr/share that no node reads."""

CLEAN = (
    'rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/*.log "$1"/var/log/apt',
    # mmdebstrap copies the host's own: neither its name servers nor its name belong in there.
    'rm -f "$1"/etc/resolv.conf "$1"/etc/hostname; : > "$1"/etc/resolv.conf',
    'rm -f "$1"/var/lib/dbus/machine-id; : > "$1"/etc/machine-id',
)


def options(suite: str, packages: Sequence[str], hooks: Sequence[str]) -> list[str]:
    """The mmdebstrap options that make a recipe; a cache key is made from them."""
    return [
        "--variant=minbase",
        "--mode=root",
        f"--include={','.join(packages)}",
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEAN),
        *(f"--customize-hook={hook}" for hook in (*hooks, *CLEAN)),
        suite,
    ]


def bootstrap(recipe: Sequence[str], target: Path, work: Step) -> None:
    """Run mmdebstrap.

    Package mirrors are those the host's apt knows where it is a Debian of that suite, Debian's own otherwise, or
    $SPARK_RUNBOOK_MIRROR.

    Args:
        recipe: what `options` gave.
        target: the directory (or, if it ends in .tar, the archive) to make.
        work: where to tell progress.

    Raises:
        LabError: if it is not installed, or fails.
    """
    require_tools(BUILD_TOOLS)
    mirror = [told] if (told := os.environ.get("SPARK_RUNBOOK_MIRROR")) else []
    keys = keyring_options(recipe[-1], mirror, target.parent, work)
    follow(["mmdebstrap", *keys, *recipe, str(target), *mirror], work, _stage, target.parent)


def _stage(line: str) -> str | None:
    return line.removeprefix("I: ").removesuffix("...") if line.startswith("I: ") and line.endswith("...") else None
