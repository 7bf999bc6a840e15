"""junit.xml: a suite for each step, a case for each check and place, and the remedy kept in it.

It keeps to the schema of Jenkins' xUnit plugin (junit-10.xsd) with one exception: a case has properties, which that
schema knows of suites alone, and which Jenkins' own `junit` step shows when it is told to keep properties.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from reports.matrix import steps
from reports.model import Check, Report
from reports.outcome import Outcome
from reports.summary import Verdict, verdict
from reports.text import clip, counted, fair_limit, moment

# Characters of all commands and their output; CI services refuse or cut files of many megabytes.
OUTPUT_BUDGET = 300_000
MOST_TOLD = 5_000
"""Of a run with more cases, those that passed without a warning are told by their name alone."""

_TAGS = {
    Outcome.FIX_FAILED: "failure",
    Outcome.FAILED: "failure",
    Outcome.WOULD_FIX: "failure",
    Outcome.UNKNOWN: "error",
    Outcome.BLOCKED: "skipped",
    Outcome.SKIPPED: "skipped",
}


def to_junit(report: Report) -> str:
    """Return the file; texts are already free of what XML 1.0 forbids, as `model` reads them so."""
    told = [check for check in report.checks if not _by_name_alone(report, check)]
    said = [part for check in told for one in check.evidence for part in (one.command, one.output)]
    limit = fair_limit([len(part) for part in said], OUTPUT_BUDGET)
    totals = {name: value for name, value in _totals(report, report.checks).items() if name != "skipped"}
    xml = _Xml()
    with xml.element("testsuites", {"name": "Spark Runbook", **totals}):
        for step in steps(report):
            checks = tuple(check for check in report.checks if check.step == step.number)
            if checks:
                name = f"{step.number:02d} {step.title}"
                about = {"name": name, "id": str(step.number), "package": "runbook"}
                with xml.element("testsuite", {**about, **_totals(report, checks), **_timestamp(report)}):
                    _properties(xml, _of_run(report))
                    for check in checks:
                        _case(xml, name, report, check, limit)
    return xml.text


class _Xml:
    """Writes element by element: a tree of thousands of cases takes ten times the room of its text."""

    def __init__(self) -> None:
        self._file = StringIO()
        self._generator = XMLGenerator(self._file, "utf-8", short_empty_elements=True)
        self._generator.startDocument()
        self._level = 0

    @property
    def text(self) -> str:
        """What was written."""
        return self._file.getvalue()

    @contextmanager
    def element(self, tag: str, attributes: dict[str, str]) -> Iterator[None]:
        """Write an element around what is written meanwhile."""
        self._start(tag, attributes)
        self._generator.characters("\n")
        self._level += 1
        yield
        self._level -= 1
        self._generator.characters("  " * self._level)
        self._end(tag)

    def leaf(self, tag: str, attributes: dict[str, str], text: str = "") -> None:
        """Write an element that holds at most a text."""
        self._start(tag, attributes)
        if text:
            self._generator.characters(text)
        self._end(tag)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._generator.characters("  " * self._level)
        self._generator.startElement(tag, AttributesImpl(attributes))

    def _end(self, tag: str) -> None:
        self._generator.endElement(tag)
        self._generator.characters("\n")


def _timestamp(report: Report) -> dict[str, str]:
    started = moment(report.run.started)
    return {"timestamp": f"{started:%Y-%m-%dT%H:%M:%S}"} if started else {}


def _totals(report: Report, checks: tuple[Check, ...]) -> dict[str, str]:
    tags = [_tag(report, check) for check in checks]
    return {
        "tests": str(len(checks)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
        "time": _time(sum(check.seconds or 0.0 for check in checks)),
    }


def _by_name_alone(report: Report, check: Check) -> bool:
    return len(report.checks) > MOST_TOLD and check.outcome is Outcome.PASSED and check.warning is None


def _spared(report: Report, check: Check) -> bool:
    """Whether so many nodes are ready that what is wrong elsewhere, such as this, does not close the gate."""
    return report.run.min_ready is not None and verdict(report).is_ready and check.outcome.needs_attention


def _tag(report: Report, check: Check) -> str | None:
    return "skipped" if _spared(report, check) else _TAGS.get(check.outcome)


def _case(xml: _Xml, step: str, report: Report, check: Check, limit: int) -> None:
    about = {
        # Up to the last dot it is a package to those who show it.
        "classname": f"runbook.{step.replace('.', ' ')}",
        "name": f"{check.id}[{check.place}]",
        "time": _time(check.seconds or 0.0),
    }
    if _by_name_alone(report, check):
        xml.leaf("testcase", about)
        return
    with xml.element("testcase", about):
        _properties(xml, _of_check(check))
        if tag := _tag(report, check):
            reason = check.cause or f"expected {check.expected}, found {check.found}"
            message = f"{check.outcome.word_in(report.run.mode)}: {reason}"
            if _spared(report, check):
                message = f"spared, since {counted(report.run.min_ready or 0, 'ready node')} had to be: {message}"
            xml.leaf(tag, {"type": check.outcome.value, "message": message}, _told(check))
        if check.evidence:
            xml.leaf("system-out", {}, _evidence(check, limit))


def _properties(xml: _Xml, values: list[tuple[str, str | None]]) -> None:
    with xml.element("properties", {}):
        for name, value in values:
            if value is not None:
                xml.leaf("property", {"name": name, "value": value})


def _of_run(report: Report) -> list[tuple[str, str | None]]:
    run, found = report.run, verdict(report)
    told: list[tuple[str, str | None]] = [
        ("run", run.id),
        ("mode", run.mode),
        ("verdict", Verdict.READY.value if found.is_ready else found.value),
    ]
    if not run.whole:
        told.append(("whole", "no: only a part of all checks was selected"))
    return [*told, ("next", report.next), *[("simulated", what) for what in run.simulated]]


def _of_check(check: Check) -> list[tuple[str, str | None]]:
    return [
        ("id", check.id),
        ("title", check.title),
        ("node", check.place),
        ("outcome", check.outcome.value),
        ("cause", check.cause),
        ("remedy", check.remedy),
        ("warning", check.warning),
        ("threshold", check.threshold.words if check.threshold else None),
    ]


def _told(check: Check) -> str:
    lines = [check.title]
    lines += [
        f"{name}: {value}"
        for name, value in [
            ("expected", check.expected),
            ("found", check.found),
            ("cause", check.cause),
            ("remedy", check.remedy),
            ("threshold", check.threshold.words if check.threshold else None),
            ("waits for", ", ".join(check.blocked_by) or None),
        ]
        if value is not None
    ]
    lines += [
        f"{'changed' if change.applied else 'not changed'} ({change.risk}):\n{change.describe}"
        for change in check.changes
    ]
    return "\n".join(lines)


def _evidence(check: Check, limit: int) -> str:
    return "\n".join(
        f"$ {clip(evidence.command, limit)}\n{clip(evidence.output, limit)}\n"
        f"[{'did not end' if evidence.exit is None else f'exit {evidence.exit}'}]"
        for evidence in check.evidence
    )


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"
