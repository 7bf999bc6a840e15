"""Print what only the inside of a container can tell: its GPUs, and the Python packages that can be imported there.

`== nvidia-smi EXIT` is followed by what that said, `== packages` by `NAME VERSION` lines in the order in which Python
looks. importlib.metadata tells the same, and reads every package's description to its end for it.
"""

import subprocess
import sys
from pathlib import Path

PATIENCE_S = 15
TOLD = ("Name: ", "Version: ")


def gpus() -> str:
    """Ask nvidia-smi, which hangs where the driver does."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"],
            check=False, timeout=PATIENCE_S, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"124\nit did not answer within {PATIENCE_S} s"
    except OSError as error:
        return f"127\nnvidia-smi: {error.strerror}"
    return f"{done.returncode}\n{done.stdout.strip()}"


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
    """Ask, and look through every folder that Python imports from."""
    print("== nvidia-smi", gpus())
    print("== packages")
    for folder in map(Path, sys.path):
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            if entry.suffix in (".dist-info", ".egg-info"):
                metadata = next(filter(Path.is_file, (entry / "METADATA", entry / "PKG-INFO", entry)), None)
                found = names(metadata) if metadata else {}
                if "Name" in found:
                    print(found["Name"], found.get("Version", ""))


main()
