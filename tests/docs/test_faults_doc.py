"""docs/faults.md speaks of the faults that there are, and its sums are those of its lines."""

import re
from pathlib import Path

from lab.faults.catalogue import FAULTS
from tests.e2e.pairs import pairs
from tests.e2e.score import Score, repaired_by, row_of

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
PAIRS = list(map(" and ".join, pairs()))


def test_it_has_a_line_for_every_fault_with_what_repairs_it() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if re.match(r"\| `", line)]
    assert {row[0].strip("`"): row[4] for row in rows} == {name: repaired_by(fault) for name, fault in FAULTS.items()}


def test_it_is_what_its_own_lines_come_to() -> None:
    assert Score(PAIRS).page(PAGE) == PAGE


def test_what_was_tried_takes_the_place_of_what_was_told_before() -> None:
    name = next(iter(FAULTS))
    score = Score(PAIRS)
    score._found[name] = row_of(FAULTS[name], {"named": True, "false": "gpu.cool disk.full", "seconds": 1.5})
    page = score.page(PAGE)
    assert f"{len(FAULTS) - 1} repaired or rightly refused, 2 false alarms" in page
    assert re.search(rf"^\| `{name}` .* yes \| \*\*no\*\* \| gpu.cool disk.full \| 1.5 s \|", page, re.MULTILINE)
