"""A fault: what is done to a healthy lab, and what has to be said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PERSON = "a person"
FIX = "--fix"


@dataclass(frozen=True)
class Fault:
    """One fault of a cluster that is ready.

    Attributes:
        name: as `python -m lab fault inject` knows it.
        story: what happened, in a sentence.
        check: the id of the check that has to name it.
        node: where; None for a check of the whole cluster.
        cause: words that the cause, or the warning, has to have.
        repaired_by: `--fix`, or a person.
        allow: what `--fix` has to be allowed for it.
        warns: whether the check only warns, so that the cluster stays ready.
        also: checks that tell of it as well, each for a reason of its own.
        breaks: shell commands by node, run there as root, in this order.
        pulled: cables, by node and interface.
        off: nodes whose plug is pulled.
        leaves: files that it makes and a repair has no reason to take away.
    """

    name: str
    story: str
    check: str
    node: str | None
    cause: str
    repaired_by: str = FIX
    allow: tuple[str, ...] = ()
    warns: bool = False
    also: tuple[str, ...] = ()
    breaks: Mapping[str, str] = field(default_factory=dict)
    pulled: tuple[tuple[str, str], ...] = ()
    off: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
