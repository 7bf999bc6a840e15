"""The keys that sign Debian's archive, where this machine's are older than the suite that the lab is made of."""

from pathlib import Path
from typing import Final

from lab.build import follow
from lab.progress import Step

KEYRINGS: Final = Path("/usr/share/keyrings")
PACKAGE: Final = "debian-archive-keyring"

BEFORE: Final = "bookworm"
"""A suite that is signed with keys of the one before it as well, and whose own keyring has those of the next."""


def has_keys(folder: Path, suite: str) -> bool:
    """Whether a folder of keyrings has those of a suite."""
    return any(folder.glob(f"debian-archive-{suite}-*"))


def keyring_options(suite: str, mirror: list[str], scratch: Path, work: Step) -> list[str]:
    """What mmdebstrap has to be told to trust a suite: nothing where this machine knows its keys.

    Ubuntu 22.04 has the keys of 2021: with them the suite in between is verified, and its package has the newer ones.

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
    work.say("fetching newer keys of Debian's archive")
    keys = scratch / "keys-of-debian"
    extract = ["mmdebstrap", "--variant=extract", "--mode=root", f"--include={PACKAGE}"]
    follow([*extract, f"--keyring={KEYRINGS}", BEFORE, str(keys), *mirror], work, lambda _: None, scratch)
    return [f"--keyring={keys}{KEYRINGS}"]
