"""What fields of cluster.yaml may hold, and what is said where they hold something else."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")]
Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9])?$")]
UserName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_.-]{0,31}$")]
Interface = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$")]
ImageName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}$")]
AbsolutePath = Annotated[str, Field(pattern=r"^/[^\x00-\x1f]*$")]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
YesNo = Annotated[bool, Field(strict=True)]


def _in_a_home(path: Path) -> Path:
    try:
        path.expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home for the {path.parts[0]} of {path} on this machine") from None
    return path


OwnPath = Annotated[Path, AfterValidator(_in_a_home)]
"""Of the machine that runs us; `~` is the home of who does."""

_PLAIN_WORDS = {
    "extra_forbidden": "unknown key; docs/inventory.md lists the keys there are",
    "missing": "missing, and there is no default for it",
    "too_short": "it is empty; list at least one",
    "string_pattern_mismatch": "this has a character or a form that is not allowed here",
    "tuple_type": "a list is expected",
    "path_type": "a path is expected",
    "model_type": "a mapping with keys and values is expected",
    "model_attributes_type": "a mapping with keys and values is expected",
    "int_parsing": "a whole number is expected",
    "int_type": "a whole number is expected",
    "string_type": "text is expected; put it in quotes if it is meant as text",
    "float_parsing": "a number is expected",
    "float_type": "a number is expected",
    "bool_type": "true or false is expected",
}


def in_plain_words(kind: str, message: str) -> str:
    """Say what pydantic found wrong, by its kind of error where its own message would not help."""
    plain = _PLAIN_WORDS.get(kind) or message.removeprefix("Value error, ")
    return f"{plain[0].lower()}{plain[1:]}"
