"""Small parsers that many facts share; each raises ParseError and nothing else."""

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from cluster.facts.base import ParseError, Reading

T = TypeVar("T")


def succeeded(reading: Reading) -> str:
    """Return the output of a command that has to succeed."""
    if reading.exit != 0:
        said = (reading.err.strip() or reading.out.strip() or "it said nothing").splitlines()[-1]
        raise ParseError(f"it failed with exit {reading.exit}: {said[:200]}")
    return reading.out


def word(reading: Reading) -> str:
    """Return the first line of a command whose exit status carries no news (systemctl is-active, for one)."""
    line = reading.out.strip().split("\n", 1)[0].strip()
    if not line:
        why = (reading.err.strip() or "not even why").splitlines()[0]
        raise ParseError(f"it said nothing (exit {reading.exit}): {why[:200]}")
    return line


def yes(reading: Reading) -> bool:
    """Read the answer of a command that echoes yes or no."""
    return word(reading) == "yes"


def words(reading: Reading) -> frozenset[str]:
    """Return the words of a command that has to succeed."""
    return frozenset(succeeded(reading).split())


def text(reading: Reading) -> str:
    """Return the output of a command that has to succeed, without the last newline."""
    return succeeded(reading).rstrip("\n")


def lines(reading: Reading) -> tuple[str, ...]:
    """Return the non-empty lines of a command that has to succeed."""
    return tuple(line for line in succeeded(reading).splitlines() if line.strip())


def number(reading: Reading) -> float:
    """Return the one number that a command prints."""
    said = succeeded(reading).strip()
    if not re.fullmatch(r"\d{1,15}(\.\d{1,15})?", said, re.ASCII):
        raise ParseError(f"it is no number: {said[:80]!r}")
    return float(said)


def load_json(data: str) -> Any:
    """Parse JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ParseError(f"it is not JSON: {data.strip()[:80]!r}") from None


def by_address(reading: Reading) -> dict[str, str]:
    """Read `ADDRESS what was said` lines."""
    found = {}
    for line in reading.out.splitlines():
        address, _, word = line.partition(" ")
        if address and word:
            found[address] = word.strip()
    return found


def as_model(kind: type[T]) -> Callable[[Reading], T]:
    """Build a parser for JSON output that must look like `kind` (a pydantic model, or a list of one)."""
    adapter = TypeAdapter(kind)

    def parse(reading: Reading) -> T:
        return validated(adapter, load_json(succeeded(reading)))

    return parse


def as_models(kind: type[T]) -> Callable[[Reading], tuple[T, ...]]:
    """Build a parser for one JSON object a line."""
    adapter = TypeAdapter(kind)

    def parse(reading: Reading) -> tuple[T, ...]:
        return tuple(validated(adapter, load_json(line)) for line in lines(reading))

    return parse


def validated(adapter: TypeAdapter[T], data: object) -> T:
    """Check data against a type, with the first mismatch as the error."""
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ParseError(f"its JSON is not what was expected at {where}: {first['msg']}") from None
