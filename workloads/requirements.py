"""The packages that the fine-tune runs with, as `requirements.txt` pins them."""

from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FILE = Path(__file__).parent / "requirements.txt"
IMAGES_OWN = frozenset({"torch", "numpy", "pandas"})
"""What an image may bring in a version of its own: a torch built for its GPUs, with the numpy that this was built for.

A torch that was built for numpy 1 refuses numpy 2, and a pandas goes with one of them alone.
"""

TOO_OLD_BEFORE = {"torchao": "0.16"}
"""What an image need not bring, and by which an older version keeps the program from starting.

Source: peft 0.21.2, `import_utils.is_torchao_available`, which raises where it finds an older one.
"""


def pinned() -> dict[str, str]:
    """Return every package with the version it has to have; names are in lower case with hyphens."""
    return {canonicalize_name(one.name): next(iter(one.specifier)).version for one in _requirements(FILE.read_text())}


def asked_for() -> tuple[str, ...]:
    """Return the packages that the program itself imports, without those that they pull in."""
    first, _, _ = FILE.read_text().partition("# Pulled in")
    return tuple(canonicalize_name(one.name) for one in _requirements(first))


def _requirements(text: str) -> list[Requirement]:
    return [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]
