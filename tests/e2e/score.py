"""The score of the faults: what was named, repaired and falsely alarmed; the run itself writes docs/faults.md."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.faults.catalogue import FAULTS
from lab.faults.fault import Fault

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
_ONE, _TWO = "test_fault_is_named_and_repaired[", "test_two_faults_at_once["
_NO = "**no**"

_HEAD = """\
# The faults, and how we do on them

Written by `script/test --faults`, which breaks a healthy lab of two nodes in each of these ways, and in pairs. A fault
is *named* when the check that has to name it does, on the right node, in the right words, and nothing else is called a
cause. It is *repaired* when `--fix` does what `--plan` said and no more, all checks pass afterwards, and nothing else
on the nodes has changed; or, where only a person can repair it, when it is refused with what to do. `python -m lab
fault inject NAME` lets you see one yourself. A run of some faults alone (`-k NAME`) writes their lines anew, and leaves
the others with their days."""

_FAULTS = [
    "| fault | what happens | named by | where | repaired by | named | repaired | false alarms | plan took | tried |",
    "|---|---|---|---|---|---|---|---|---|---|",
]
_PAIRS = ["| two at once | named and repaired | tried |", "|---|---|---|"]


class Score:
    """Collects what the tests of faults found."""

    def __init__(self, pairs: Iterable[str]) -> None:
        """Begin with nothing tried; these are the pairs that are tried with all faults."""
        self._found: dict[str, str] = {}
        self._pairs: dict[str, str] = {}
        self._known_pairs = list(pairs)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a fault that was tried."""
        if report.when != "call":
            return
        if _ONE in report.nodeid:
            name = report.nodeid.partition(_ONE)[2].removesuffix("]")
            self._found[name] = row_of(FAULTS[name], dict(report.user_properties))
        elif _TWO in report.nodeid:
            pair = report.nodeid.partition(_TWO)[2].removesuffix("]")
            self._pairs[pair] = f"| {pair} | {'yes' if report.passed else _NO} | {_today()} |"

    def pytest_sessionfinish(self) -> None:
        """Write the page, if a fault was tried."""
        if self._found or self._pairs:
            PAGE.write_text(self.page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

    def page(self, before: str) -> str:
        """Tell the score: the sums, and a line for each fault and pair; what was not tried is taken from `before`."""
        faults = [line for name in FAULTS if (line := self._found.get(name) or _line(before, f"| `{name}` |"))]
        pairs = [line for pair in self._known_pairs if (line := self._pairs.get(pair) or _line(before, f"| {pair} |"))]
        cells = [line.strip("| ").split(" | ") for line in faults]
        named, repaired = (sum(cell[column] == "yes" for cell in cells) for column in (5, 6))
        alarms = sum(len(cell[7].split()) for cell in cells if cell[7] != "none")
        full = sum(_NO not in line for line in pairs)
        sums = (
            f"**{named} of {len(FAULTS)} named, {repaired} repaired or rightly refused, {alarms} false alarms**; "
            f"{full} of {len(self._known_pairs)} pairs."
        )
        return "\n".join([_HEAD, "", sums, "", *_FAULTS, *faults, "", *_PAIRS, *pairs, ""])


def row_of(fault: Fault, found: dict[str, object]) -> str:
    """Tell of one fault, with what a test of it noted."""
    cells = [
        f"`{fault.name}`",
        fault.story,
        f"`{fault.check}`",
        fault.node or "cluster",
        repaired_by(fault),
        "yes" if found.get("named") else _NO,
        "yes" if found.get("repaired") else _NO,
        str(found.get("false") or "none"),
        f"{found.get('seconds', '?')} s",
        _today(),
    ]
    return f"| {' | '.join(cells)} |"


def repaired_by(fault: Fault) -> str:
    """Say who repairs it, and what has to be allowed."""
    flags = " ".join(f"`--allow {flag}`" for flag in fault.allow)
    return f"{fault.repaired_by} {flags}".strip()


def _line(page: str, beginning: str) -> str | None:
    found = re.search(rf"^{re.escape(beginning)}.*$", page, re.MULTILINE)
    return found[0] if found else None


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"
