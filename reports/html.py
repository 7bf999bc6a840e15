"""report.html: one file that needs nothing else, with failures first."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import text
from reports.causes import entries, following
from reports.drift import drifting, weights_agree
from reports.matrix import places, steps
from reports.model import Report
from reports.outcome import Outcome
from reports.picture import cluster, loss_curve
from reports.summary import counts, sentence, verdict

TEMPLATES = Path(__file__).with_name("templates")
# In characters; the markup comes on top. Keeps the page of 8 nodes with 60 checks each below a megabyte.
QUOTED_BUDGET = 300_000


def to_html(report: Report) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    limit = text.fair_limit([len(quoted) for quoted in _quoted(report)], QUOTED_BUDGET)
    environment.filters.update(
        clip=lambda value: text.clip(value, limit),
        counted=text.counted,
        duration=text.duration,
        figure=text.figure,
        when=text.when,
    )
    environment.tests["whole"] = lambda value: len(value) <= limit
    environment.globals.update(
        counts=counts,
        diff_lines=diff_lines,
        drifting=drifting,
        entries=entries,
        following=following,
        loss_curve=loss_curve,
        weights_agree=weights_agree,
    )
    style, script = _inline("report.css"), _inline("report.js")
    return environment.get_template("report.html.j2").render(
        report=report,
        verdict=verdict(report),
        sentence=sentence(report),
        places=places(report),
        steps=steps(report),
        drawing=cluster(report),
        outcomes=list(Outcome),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def diff_lines(describe: str) -> list[tuple[str, str]]:
    """Return a change as (kind, line): add, remove, place or same, or all command where it is no diff."""
    lines = describe.splitlines()
    if not any(line.startswith(("@@ ", "--- ")) for line in lines):
        return [("command", line) for line in lines]
    return [(_kind(line), line) for line in lines]


def _kind(line: str) -> str:
    if line.startswith(("@@", "---", "+++")):
        return "place"
    return {"+": "add", "-": "remove"}.get(line[:1], "same")


def _quoted(report: Report) -> list[str]:
    quoted: list[str | None] = []
    for check in report.checks:
        quoted += [check.expected, check.found, check.cause, check.remedy, check.warning]
        quoted += [change.describe for change in check.changes]
        quoted += [part for evidence in check.evidence for part in (evidence.command, evidence.output)]
    for cause in report.diagnosis:
        quoted += [cause.cause, cause.remedy]
        quoted += [part for one in cause.suspects for part in (one.name, one.here, one.there)]
    return [value for value in quoted if value is not None]


def _inline(name: str) -> Markup:
    # Our own files, the only text on the page that is not escaped.
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704


def _hash(source: str) -> str:
    # The policy in the page lets run only what has these hashes, so that nothing slipped in would act.
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
