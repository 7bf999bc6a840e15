"""Files and links that are either the old ones or the new ones, never half."""

import os
from pathlib import Path


def write_whole(path: Path, content: str) -> None:
    """Write a text file as UTF-8 under a temporary name beside it, then rename it into place."""
    unfinished = _beside(path)
    try:
        unfinished.write_text(content, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def point(link: Path, target: str) -> None:
    """Make a symbolic link beside its place, then rename it into place over what it pointed to before."""
    unfinished = _beside(link)
    try:
        unfinished.symlink_to(target)
        unfinished.replace(link)
    finally:
        unfinished.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.unfinished")
