"""Small programs of our own that nodes run to measure what no tool tells: sent as they stand, nothing is installed.

They need Python 3.8 and its standard library, write no file and change nothing.
"""

from functools import cache
from pathlib import Path
from shlex import quote

_HERE = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in _HERE.glob("[!_]*.py")))


# In a container Python shall look for packages where the training does.
_HEEDS_ENVIRONMENT = {"inside"}


@cache
def invocation(name: str) -> str:
    """Return the command that runs a probe, to which its arguments are added."""
    options = "-B" if name in _HEEDS_ENVIRONMENT else "-I"
    return f"python3 {options} -c {quote((_HERE / f'{name}.py').read_text(encoding='utf-8'))}"
