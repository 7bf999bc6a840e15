"""A build of torch for CUDA loads its libraries on import, also where there is no GPU: which packages hold them."""

import re
from email import message_from_string
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

from lab.errors import LabError

_CUDA_BUILD: Final = re.compile(r"^cuda\b[^=\n]*=\s*['\"]", re.MULTILINE)
_LIBRARIES: Final = ("nvidia", "cuda", "triton")


def cuda_libraries(packages: Path) -> list[str]:
    """List the packages that an installed torch needs beside the closed list; none for a CPU build.

    Args:
        packages: a directory that pip has installed torch into.
    """
    metadata = next(packages.glob("torch-*.dist-info/METADATA"), None)
    if metadata is None or not _is_for_cuda(packages):
        return []
    lines = message_from_string(metadata.read_text()).get_all("Requires-Dist") or []
    needed = [_requirement(line) for line in lines]
    return [str(one) for one in needed if one is not None and one.name.lower().startswith(_LIBRARIES)]


def require_cuda(packages: Path) -> None:
    """Make sure that an installed torch computes on GPUs.

    Raises:
        LabError: if it is a CPU build.
    """
    if not _is_for_cuda(packages):
        raise LabError(
            f"The torch in {packages} is a build for CPUs: remove that folder, take the index of CPU builds out"
            " of pip's configuration, and start the lab again."
        )


def _is_for_cuda(packages: Path) -> bool:
    version = packages / "torch" / "version.py"
    return version.exists() and _CUDA_BUILD.search(version.read_text()) is not None


def _requirement(line: str) -> Requirement | None:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return None
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return None
    requirement.marker = None
    return requirement
