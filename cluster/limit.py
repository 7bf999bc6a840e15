"""`--limit`: a part of the nodes, chosen by name, pattern, range or group."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from cluster.errors import InventoryError
from cluster.inventory import NodeEntry
from cluster.ranges import spread


def choose(limit: str, nodes: Sequence[NodeEntry]) -> frozenset[str]:
    """Return the names that a limit chooses: words with commas between them, `!` before what is left out.

    Raises:
        InventoryError: A word fits no node, or nothing is left.
    """
    words = [word.strip() for word in limit.split(",") if word.strip()]
    if not words:
        raise InventoryError("--limit names no node; leave it out to look at all.")
    wanted = [word for word in words if not word.startswith("!")]
    chosen = {name for word in wanted for name in _fitting(word, nodes)} if wanted else set(_names(nodes))
    for word in words:
        if word.startswith("!"):
            chosen -= _fitting(word.removeprefix("!"), nodes)
    if not chosen:
        raise InventoryError(f"--limit {limit}: no node is left.")
    return frozenset(chosen)


def _fitting(word: str, nodes: Sequence[NodeEntry]) -> frozenset[str]:
    try:
        patterns = spread(word)
    except ValueError as mistake:
        raise InventoryError(f"--limit {word}: {mistake}.") from None
    found: set[str] = set()
    for pattern in patterns:
        fits = {node.name for node in nodes if node.group == pattern or fnmatchcase(node.name, pattern)}
        if not fits:
            known = sorted({*_names(nodes), *(node.group for node in nodes if node.group)})
            shown = ", ".join(known[:8]) + (" and more" if len(known) > 8 else "")
            raise InventoryError(f"--limit {word}: no node or group is called {pattern}; there are {shown}.")
        found |= fits
    return frozenset(found)


def _names(nodes: Sequence[NodeEntry]) -> list[str]:
    return [node.name for node in nodes]
