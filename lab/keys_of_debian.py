"""The keys that sign Debian's archive, where this machine's are older than the suite that the lab is made of."""

from pathlib import Path
from typing import Final

from lab.build import follow
from lab.errors import LabError
from lab.progress import Step

KEYRINGS: Final = Path("/usr/share/keyrings")
PACKAGE: Final = "debian-archive-keyring"

OLDER: Final = ("bookworm", "bullseye")
"""Suites whose own keyring has the keys of the next one as well, newest first."""


def has_keys(folder: Path, suite: str) -> bool:
    """Whether a folder of keyrings has those of a suite."""
    return any(folder.glob(f"debian-archive-{suite}-*"))


def keyring_options(suite: str, mirror: list[str], scratch: Path, work: Step) -> list[str]:
    """What mmdebstrap has to be told to trust a suite: nothing where this machine knows its keys.

    Ubuntu 22.04 has keys of 2021. With them a suite of that time is verified, whose package has newer ones, and so on.

    Args:
        suite: the one to trust.
        mirror: of Debian, if not the usual.
        scratch: a directory for the keys.
        work: where to tell progress.

    Raises:
        LabError: if the keys cannot be had.
    """
    if has_keys(KEYRINGS, suite):
        return []
    keys, asked = KEYRINGS, []
    while not has_keys(keys, suite):
        known = next((older for older in OLDER if has_keys(keys, older) and older not in asked), None)
        if known is None:
            raise LabError(f"The keys of Debian's archive in {KEYRINGS} are too old: install a newer {PACKAGE}.")
        work.say(f"fetching newer keys of Debian's archive from {known}")
        asked.append(known)
        extract = ["mmdebstrap", "--variant=extract", "--mode=root", f"--include={PACKAGE}", f"--keyring={keys}"]
        root = scratch / f"keys-of-{known}"
        follow([*extract, known, str(root), *mirror], work, lambda _: None, scratch)
        keys = root / KEYRINGS.relative_to("/")
    return [f"--keyring={keys}"]
