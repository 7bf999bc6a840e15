"""A page for every step of the playbook, made of the code: its checks, each with all that it declares."""

from collections.abc import Iterator
from itertools import groupby

from cluster.thresholds import Thresholds
from engine.catalogue import checks_of, modules, needed, repair
from engine.check import Check, title_of


def step_pages() -> dict[str, str]:
    """Return the pages by file name, `step-05.md` for one, in the order of the playbook."""
    return {
        f"step-{number:02}.md": "\n".join([f"# {number}. {title}", "", *_checks(checks_of(group)), ""])
        for (number, title), group in groupby(modules(), title_of)
    }


def _checks(checks: list[Check]) -> Iterator[str]:
    for check in checks:
        yield f"## {check.id}\n"
        yield f"{check.title}.\n"
        yield from (f"- {line}" for line in _declared(check))
        yield ""


def _declared(check: Check) -> Iterator[str]:
    yield "Judged on every node." if check.per_node else "Judged once, for the cluster."
    if check.threshold:
        limit = Thresholds().limit(check.threshold)
        yield f"Limit: `{limit.name}`, {limit.good} {limit.value:g} {limit.unit} ({limit.source})."
    if check.warns:
        yield "Where it does not hold, it warns: the cluster stays ready."
    if needs := needed(check):
        yield f"Blocked unless these hold: {', '.join(needs)}."
    if check.settles:
        yield "Looked at again for up to a minute where docker or the swarm has just been changed."
    yield f"Made true by {repair(check).rstrip('.')}."
