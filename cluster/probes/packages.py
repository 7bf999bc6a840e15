"""Print `NAME VERSION` of every Python package that can be imported here, in the order in which Python looks.

importlib.metadata tells the same, and reads every package's description to its end for it.
"""

import sys
from pathlib import Path

TOLD = ("Name: ", "Version: ")


def names(metadata: Path) -> "dict[str, str]":
    """Read the name and the version at the head of a package's metadata."""
    found: dict[str, str] = {}
    with metadata.open(errors="replace") as lines:
        for line in lines:
            if line.startswith(TOLD):
                found.setdefault(*line.strip().split(": ", 1))
            if len(found) == len(TOLD) or not line.strip():
                break
    return found


def main() -> None:
    """Look through every folder that Python imports from."""
    for folder in map(Path, sys.path):
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            if entry.suffix in (".dist-info", ".egg-info"):
                metadata = next(filter(Path.is_file, (entry / "METADATA", entry / "PKG-INFO", entry)), None)
                found = names(metadata) if metadata else {}
                if "Name" in found:
                    print(found["Name"], found.get("Version", ""))


main()
