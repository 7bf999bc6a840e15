"""A build of torch for CUDA loads its libraries on import, also where there is no GPU: which packages hold them."""

import re
from email import message_from_string
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

_CUDA_BUILD: Final = re.compile(r"^cuda\b[^=\n]*=\s*['\"]", re.MULTILINE)
_LIBRARIES: Final = ("nvidia", "cuda", "triton")


def cuda_libraries(packages: Path) -> list[str]:
    """List the packages that an installed torch needs beside the closed list; none for a CPU build.

    Args:
        packages: a directory that pip has installed torch into.
    """
    version = packages / "torch" / "version.py"
    metadata = next(packages.glob("torch-*.dist-info/METADATA"), None)
    if metadata is None or not version.exists() or not _CUDA_BUILD.search(version.read_text()):
        return []
    lines = message_from_string(metadata.read_text()).get_all("Requires-Dist") or []
    needed = [_requirement(line) for line in lines]
    return [str(one) for one in needed if one is not None and one.name.lower().startswith(_LIBRARIES)]


def _requirement(line: str) -> Requirement | None:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return None
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return None
    requirement.marker = None
    return requirement
