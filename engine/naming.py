"""Several nodes in one sentence."""

import re
from collections.abc import Sequence

FEW = 3
"""So many nodes are named even where they are all that there are."""

MOST_NAMED = 8
"""Of more nodes than fit into a sentence so many are named, and the others counted."""


def named(nodes: Sequence[str], between: str = " and ", *, of: int | None = None) -> str:
    """Name nodes, `between` two of them; of many only the first, and where it is all `of` them, none."""
    if len(nodes) == of and len(nodes) > FEW:
        return f"all {of} nodes"
    if len(nodes) <= MOST_NAMED + 1:
        return between.join(nodes)
    return f"{', '.join(nodes[:MOST_NAMED])} and {len(nodes) - MOST_NAMED} more"


def of_any_node(text: str | None, node: str | None) -> str | None:
    """Write `the node` for its name or its place, but in commands: what is said of several nodes alike is one text."""
    if text is None or node is None:
        return text
    name = re.compile(rf"(?<![\w.-]){re.escape(node)}(?![\w-])(?: \([^() ]+ port \d+\))?")
    # Between two backticks stands a command, to be copied as it is.
    parts = re.split(r"(`[^`\n]*`)", text)
    return "".join(part if part.startswith("`") else name.sub("the node", part) for part in parts)


def with_verb(names: Sequence[str], one: str, several: str) -> str:
    """Name some things, with the verb that fits their number: "a has", "a and b have"."""
    return f"{' and '.join(names)} {one if len(names) == 1 else several}"


def as_clause(title: str) -> str:
    """Begin a check's title as it stands within a sentence."""
    return f"{title[0].lower()}{title[1:]}"


def with_unit(text: str | None, unit: str) -> str | None:
    """Put a figure's unit behind it, and leave out digits that say nothing; what is no figure stays as it is."""
    figure = re.fullmatch(r"((?:[a-z]+ )*)(-?\d+(?:\.\d+)?)", text or "")
    return f"{figure[1]}{round(float(figure[2]), 2):,.10g} {unit}" if figure and unit else text
