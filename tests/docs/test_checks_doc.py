"""docs/checks.md says what the code says."""

import re
from pathlib import Path

from engine.catalogue import RUNBOOK, checks_of, modules, page

DOC = Path(__file__).parents[2] / "docs" / "checks.md"
ID = r"[a-z]+\.[a-z0-9_]+"


def declared() -> list[str]:
    """All ids as they stand in the source, found without importing it."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted(RUNBOOK.glob("test_*.py")))
    return re.findall(rf'@check\(\s*"({ID})"', sources)


def rows() -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in page().splitlines() if re.match(rf"\| `{ID}` \|", line)]


def test_page_is_the_one_that_the_code_would_write_today() -> None:
    assert DOC.read_text(encoding="utf-8") == page(), "run: python -m engine.catalogue >docs/checks.md"


def test_every_check_of_the_runbook_is_listed_once_and_in_its_order() -> None:
    assert declared() != []
    assert [row[0].strip("`") for row in rows()] == declared()


def test_every_check_names_only_checks_that_come_before_it() -> None:
    before: set[str] = set()
    for check in checks_of(modules()):
        assert {*check.needs, *check.needs_everywhere, *check.explained_by, *check.due_after} <= before, check.id
        before.add(check.id)


def test_every_row_says_what_must_be_true_and_what_repairs_it() -> None:
    for row in rows():
        assert row[2][0].isupper() or row[2].startswith(("nvidia-smi", "daemon.json")), row
        assert re.match(r"(`--fix`|you): \S", row[3]), row
