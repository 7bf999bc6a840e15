"""Files and links that are either the old ones or the new ones, never half."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, content: str, mode: int | None = None) -> None:
    """Write a text file as UTF-8 under a temporary name beside it, then rename it into place.

    It never has more rights than `mode`; without one, those that files are made with.
    """
    with _in_place_of(path) as unfinished:
        if mode is not None:
            unfinished.touch(mode)
        unfinished.write_text(content, encoding="utf-8")


def write_parts(path: Path, parts: Iterable[str]) -> None:
    """Write a text file likewise whose parts are made one by one, for want of room."""
    with _in_place_of(path) as unfinished, unfinished.open("w", encoding="utf-8") as file:
        file.writelines(parts)


def point(link: Path, target: str) -> None:
    """Make a symbolic link beside its place, then rename it into place over what it pointed to before."""
    with _in_place_of(link) as unfinished:
        unfinished.symlink_to(target)


@contextmanager
def _in_place_of(path: Path) -> Iterator[Path]:
    """Give a temporary name beside a path; what was made there takes its place, unless that failed."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
