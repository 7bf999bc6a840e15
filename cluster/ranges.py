"""Ranges in an inventory: one entry `spark-[01:32]` for many nodes, spelled as Ansible spells it."""

import re
from collections.abc import Iterator, Mapping

from cluster.yaml_lines import FieldPath

MOST = 1000
"""Nodes that one range may stand for: a digit too many is a slip of the pen."""

_RANGE = re.compile(r"\[(\d{1,9}):(\d{1,9})\]", re.ASCII)
_SPREAD = ("name", "address")


class RangeMistake(Exception):
    """A range that stands for no nodes; `field` is where it is written."""

    def __init__(self, field: FieldPath, words: str) -> None:
        """Say what is wrong there."""
        super().__init__(words)
        self.field = field


def spread(text: str) -> tuple[str, ...]:
    """Return what a text with a range stands for, in order; a text without one stands for itself.

    Zeros at the front of the first number are kept: `[01:03]` is 01, 02, 03.

    Raises:
        ValueError: There are two ranges, it runs backwards, or it is too long.
    """
    found = list(_RANGE.finditer(text))
    if not found:
        return (text,)
    if len(found) > 1:
        raise ValueError("two ranges stand in it; one is enough for a row of nodes")
    first, last = found[0].groups()
    count = int(last) - int(first) + 1
    if count < 1:
        raise ValueError(f"{found[0][0]} runs backwards; the smaller number comes first")
    if count > MOST:
        raise ValueError(f"{found[0][0]} stands for {count} nodes; {MOST} is the most")
    width = len(first) if first.startswith("0") else 0
    before, after = text[: found[0].start()], text[found[0].end() :]
    return tuple(f"{before}{number:0{width}}{after}" for number in range(int(first), int(last) + 1))


def expand(entries: list[object]) -> Iterator[tuple[int, object]]:
    """Go through the entries of `nodes`, each range as one entry a node, with the index at which it is written.

    Raises:
        RangeMistake: A range is none, or name and address do not go together.
    """
    for index, entry in enumerate(entries):
        if isinstance(entry, Mapping) and any(_RANGE.search(str(entry.get(key, ""))) for key in _SPREAD):
            yield from ((index, one) for one in _expand(index, entry))
        else:
            yield index, entry


def _expand(index: int, entry: Mapping[str, object]) -> Iterator[dict[str, object]]:
    values: dict[str, tuple[str, ...]] = {}
    for key in (key for key in _SPREAD if key in entry):
        try:
            values[key] = spread(str(entry[key]))
        except ValueError as mistake:
            raise RangeMistake(("nodes", index, key), str(mistake)) from None
    names, addresses = values.get("name", ()), values.get("address", ())
    if addresses and len(addresses) != len(names):
        words = f"it stands for {_count(addresses)}, and name for {_count(names)}; every node has one of each"
        raise RangeMistake(("nodes", index, "address"), words)
    if entry.get("role") == "manager" and len(names) > 1:
        raise RangeMistake(("nodes", index, "role"), "one node is manager; give it an entry of its own")
    for number, name in enumerate(names):
        yield {**entry, "name": name} | ({"address": addresses[number]} if addresses else {})


def _count(values: tuple[str, ...]) -> str:
    return "1 node" if len(values) == 1 else f"{len(values)} nodes"
