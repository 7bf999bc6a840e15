"""What programs say when something is wrong, as a page: `python -m engine.symptoms >docs/troubleshooting.md`."""

from pathlib import Path

import yaml

from engine.catalogue import checks_of, modules, repair
from engine.check import Check

SYMPTOMS = Path(__file__).parents[1] / "docs" / "symptoms.yaml"

_HEAD = """\
# Troubleshooting

Look for the words that you see, and run the check beside them by its id, as in `pytest runbook -k ssh.sudo`; `pytest
runbook` runs all. The report then names the cause that holds on your nodes; the remedy here is what to expect. Written
from `docs/symptoms.yaml` and the code of `runbook/` by `python -m engine.symptoms >docs/troubleshooting.md`; a test
keeps it true. [Options](../README.md#daily-commands), [inventory](inventory.md), [all checks](checks.md).
"""


def page() -> str:
    """Write the page: a table for each program, its symptoms in the order of the file."""
    known = {check.id: check for check in checks_of(modules())}
    told: dict[str, list[list[str]]] = yaml.safe_load(SYMPTOMS.read_text(encoding="utf-8"))
    return "\n".join([_HEAD, *(_section(program, lines, known) for program, lines in told.items())])


def _section(program: str, lines: list[list[str]], known: dict[str, Check]) -> str:
    head = ["| what you see | check | what must be true | what makes it so |", "|---|---|---|---|"]
    rows = [_row(symptom, known[check_id]) for symptom, check_id in lines]
    return "\n".join([f"## {program}\n", *head, *rows, ""])


def _row(symptom: str, check: Check) -> str:
    cells = [f"`{symptom}`", f"`{check.id}`", check.title, repair(check)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    print(page(), end="")
