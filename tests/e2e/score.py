"""The score of the faults: what was named, repaired and falsely alarmed; the run itself writes docs/faults.md."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.faults.catalogue import FAULTS
from lab.faults.fault import Fault

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
_ONE, _TWO = "test_fault_is_named_and_repaired[", "test_two_faults_at_once["

_HEAD = """\
# The faults, and how we do on them

Written by `script/test --faults`, which breaks a healthy lab of two nodes in each of these ways, and in pairs. A fault
is *named* when the check that has to name it does, on the right node, in the right words, and nothing else is called a
cause. It is *repaired* when `--fix` does what `--plan` said and no more, all checks pass afterwards, and nothing else
on the nodes has changed; or, where only a person can repair it, when it is refused with what to do. `python -m lab
fault inject NAME` lets you see one yourself."""


class Score:
    """Collects what the tests of faults found."""

    def __init__(self) -> None:
        """Begin with nothing tried."""
        self._found: dict[str, dict[str, object]] = {}
        self._pairs: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a fault that was tried."""
        if report.when != "call":
            return
        if _ONE in report.nodeid:
            self._found[report.nodeid.partition(_ONE)[2].removesuffix("]")] = dict(report.user_properties)
        elif _TWO in report.nodeid:
            self._pairs[report.nodeid.partition(_TWO)[2].removesuffix("]")] = report.passed

    def pytest_sessionfinish(self) -> None:
        """Write the page, if all faults were tried."""
        if set(self._found) == set(FAULTS):
            PAGE.write_text(self.page(), encoding="utf-8")

    def page(self) -> str:
        """Tell the score: the sums, then a line for each fault."""
        named = sum(bool(found.get("named")) for found in self._found.values())
        repaired = sum(bool(found.get("repaired")) for found in self._found.values())
        alarms = sum(len(str(found.get("false", "")).split()) for found in self._found.values())
        lines = [
            _HEAD,
            "",
            f"**{named} of {len(FAULTS)} named, {repaired} repaired or rightly refused, {alarms} false alarms** "
            f"({datetime.now(UTC):%Y-%m-%d}); {sum(self._pairs.values())} of {len(self._pairs)} pairs.",
            "",
            "| fault | what happens | named by | where | repaired by | named | repaired | false alarms | plan took |",
            "|---|---|---|---|---|---|---|---|---|",
            *(self._row(fault, self._found[fault.name]) for fault in FAULTS.values()),
        ]
        failed = [f"- {pair}" for pair, passed in self._pairs.items() if not passed]
        return "\n".join([*lines, *(["", "Pairs that are not at full marks:", "", *failed] if failed else []), ""])

    def _row(self, fault: Fault, found: dict[str, object]) -> str:
        flags = " ".join(f"`--allow {flag}`" for flag in fault.allow)
        cells = [
            f"`{fault.name}`",
            fault.story,
            f"`{fault.check}`",
            fault.node or "cluster",
            f"{fault.repaired_by} {flags}".strip(),
            "yes" if found.get("named") else "**no**",
            "yes" if found.get("repaired") else "**no**",
            str(found.get("false") or "none"),
            f"{found.get('seconds', '?')} s",
        ]
        return f"| {' | '.join(cells)} |"
