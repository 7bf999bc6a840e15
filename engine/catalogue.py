"""The checks of runbook/ as a Markdown page: `python -m engine.catalogue >docs/checks.md` in the repository's root."""

import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from types import ModuleType

from cluster.thresholds import Thresholds
from engine.check import Check, declared, title_of

RUNBOOK = Path(__file__).parents[1] / "runbook"

_HEAD = """\
# The checks

Written from the code of `runbook/` and `fixers/` by `python -m engine.catalogue >docs/checks.md`; a test keeps it true.

*Judged* says whether a check is made on every node or once for the cluster. *Repaired by* begins with `--fix` where a
fixer makes it true, and with "you" where only a person can; a fixer may still ask for consent or for a hand. *Needs*
names the checks without which it cannot be judged: where one of them does not hold, this one is blocked. A check is
skipped, with the reason, where it does not apply. One that *warns* costs no readiness: it passes with a warning. Limits
stand [at the end](#thresholds). Steps have the playbook's numbers; it has no step 8, and ours is there."""

_THRESHOLDS = """
## Thresholds

Set any of them under `thresholds:` in cluster.yaml. The report tells the limit that held, its source and the margin.

| name | good | default | source |
|---|---|---|---|"""


def page() -> str:
    """Write the page: one table a step, its checks in the order in which they run."""
    return "\n".join([_HEAD, *(_section(*step) for step in groupby(modules(), title_of)), _thresholds(), ""])


def modules() -> Iterator[ModuleType]:
    """Import the modules of runbook/, step by step."""
    for path in sorted(RUNBOOK.glob("test_*.py")):
        yield import_module(f"runbook.{path.stem}")


def _section(heading: tuple[int, str], modules: Iterable[ModuleType]) -> str:
    number, title = heading
    lines = [
        f"\n## Step {number}. {title}\n",
        "| check | judged | what must be true | repaired by | needs |",
        "|---|---|---|---|---|",
        *map(_row, checks_of(modules)),
    ]
    return "\n".join(lines)


def checks_of(modules: Iterable[ModuleType]) -> list[Check]:
    """Read the checks that modules declare, in the order in which they run."""
    return [
        check
        for module in modules
        for function in filter(inspect.isfunction, vars(module).values())
        if (check := declared(function, module))
    ]


def _thresholds() -> str:
    limits = [Thresholds().limit(name) for name in Thresholds.model_fields]
    rows = [f"| `{one.name}` | {one.good} | {one.value:g} {one.unit} | {one.source} |" for one in limits]
    return "\n".join([_THRESHOLDS, *rows])


def _row(check: Check) -> str:
    where = "per node" if check.per_node else "cluster"
    title = check.title + (f" (`{check.threshold}`)" if check.threshold else "") + (" (*warns*)" if check.warns else "")
    cells = (f"`{check.id}`", where, title, repair(check), "<br>".join(needed(check)))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def needed(check: Check) -> list[str]:
    """Name the checks without which one cannot be judged, and where they have to hold."""
    return [*(f"`{name}`" for name in check.needs), *(f"`{name}` on every node" for name in check.needs_everywhere)]


def repair(check: Check) -> str:
    """Say who makes a check true, and how."""
    if check.fix is not None:
        return f"`--fix`: {_first_line(check.fix)}"
    return f"you: {check.remedy}" if check.remedy else "you: as the cause says"


def _first_line(documented: object) -> str:
    return (inspect.getdoc(documented) or "").split("\n", 1)[0]


if __name__ == "__main__":
    print(page(), end="")
