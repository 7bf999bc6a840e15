"""report.html: one file that needs nothing else, with failures first."""

import base64
import hashlib
import os
import re
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from jinja2 import BytecodeCache, Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from reports import text
from reports.causes import entries, following
from reports.changes import changed_nodes, headline, is_planned, shared_remedy, sum_of, told_changes
from reports.curves import loss_chart, speed_chart
from reports.drawing import draw
from reports.drift import drift, weights_agree
from reports.evidence import Exhibit, exhibits
from reports.fold import Fold, fold
from reports.matrix import places, steps
from reports.model import Check, Report
from reports.outcome import Outcome
from reports.summary import counts, sentence, verdict
from reports.timeline import timeline
from reports.training import gpu_is_simulated, gpu_seconds, training_line

TEMPLATES = Path(__file__).with_name("templates")
MOST_BYTES = 1_000_000


ROOMS = {True: (300_000, 100_000), False: (200_000, 30_000)}
"""How many characters of evidence are shown: all that checks rest on, or, False, without what passed checks rest on.

The markup comes on top; the first with which the page keeps to its limit is taken.
"""
TOLD = 250_000
"""Of what the checks themselves tell so many characters are shown; they come before all evidence."""

PLANNED = 100_000
"""Where the changes of a plan have no more characters than this, all are told once more where they are listed."""

PLACE_OF_EVIDENCE = Markup("<!-- evidence -->")
"""No value can write this, since all are escaped."""


def to_html(report: Report) -> str:
    """Return the page; where it would be too large, more of what nodes said is left out."""
    page, shown = "", fold(report)
    for whole, rooms in ROOMS.items():
        found = exhibits(shown.report, whole=whole)
        rest = _page(report, shown, found[1])
        for room in rooms:
            page = rest.replace(PLACE_OF_EVIDENCE, _evidence(found[0], room, whole=whole), 1)
            if len(page.encode()) < MOST_BYTES:
                return page
    return page


def _evidence(found: list[Exhibit], room: int, *, whole: bool) -> str:
    said = [part for one in found for part in (one.evidence.command, one.evidence.output)]
    limit = text.fair_limit([len(one) for one in said], room)
    environment = page_environment()
    environment.filters["clip"] = lambda value: text.clip(value, limit)
    return environment.get_template("evidence.html.j2").render(exhibits=found, whole=whole)


def _page(whole: Report, shown_as: Fold, shown: list[list[Exhibit]]) -> str:
    """Return all but the evidence, with a mark in its place; `shown` are the exhibits of each check.

    Where nodes stand for others, what is counted is counted over the whole run.
    """
    report = shown_as.report
    environment = page_environment()
    limit = text.fair_limit([len(one) for one in _told(report)], TOLD)
    environment.filters["clip"] = lambda value: text.clip(value, limit)
    environment.filters["word"] = lambda outcome: outcome.word_in(whole.run.mode)
    environment.tests["whole"] = lambda value: len(value) <= limit
    environment.globals.update(
        diff_lines=diff_lines,
        entries=entries,
        following=following,
        names=shown_as.names,
        weights_agree=weights_agree,
    )
    style, script = inline("report.css"), inline("report.js")
    changed = told_changes(report)
    return environment.get_template("report.html.j2").render(
        report=report,
        verdict=verdict(whole),
        sentence=sentence(whole),
        trained=training_line(whole),
        gpu_seconds=gpu_seconds(report.training) if report.training else None,
        gpu_is_simulated=gpu_is_simulated(report),
        all_nodes=len(whole.nodes),
        totals=counts(whole.checks),
        tallies=_tallies(whole),
        all_changes=len(told_changes(whole)),
        all_warnings=sum(check.warning is not None for check in whole.checks),
        places=places(report),
        place_of=shown_as.places(places(whole)),
        steps=steps(report),
        drawing=draw(report),
        differences=drift(report),
        warned=[entry for entry in report.located if entry.check.warning],
        changed=changed,
        changed_nodes=changed_nodes(changed),
        planned=is_planned(whole),
        unfolds=is_planned(whole) and sum(len(one.describe) for *_, one in changed) <= PLANNED,
        sum_of_changes=sum_of(whole),
        shared_remedy=shared_remedy(whole),
        clock=timeline(report),
        loss=loss_chart(report.training) if report.training else None,
        speed=speed_chart(report.training) if report.training else None,
        shown=shown,
        evidence=PLACE_OF_EVIDENCE,
        style=style,
        script=script,
        style_hash=policy_hash(style),
        script_hash=policy_hash(script),
    )


def page_environment() -> Environment:
    """Return an environment that escapes all values and knows how to tell figures."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        bytecode_cache=_compiled_templates(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        brief=lambda value: text.first_line(value, 70),
        coded=coded,
        counted=text.counted,
        duration=text.duration,
        figure=text.figure,
        headline=headline,
        measured=text.measured,
        when=text.when,
    )
    return environment


def _compiled_templates() -> BytecodeCache | None:
    """Keep compiled templates where Python keeps compiled modules, and only where it does; None where it does not."""
    folder = TEMPLATES / "__pycache__"
    if sys.dont_write_bytecode:
        return None
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
    return FileSystemBytecodeCache(str(folder)) if os.access(folder, os.W_OK) else None


def coded(value: str) -> Markup:
    """Return text with what stands between backticks as code; a text that is all command is all code."""
    if value.startswith("pytest runbook") and "`" not in value:
        return Markup("<code>{}</code>").format(value)
    pieces = re.split(r"`([^`\n]+)`", value)
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if position % 2 else escape(piece)
        for position, piece in enumerate(pieces)
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


def _tallies(report: Report) -> dict[int, list[tuple[Outcome, int]]]:
    together: dict[int, list[Check]] = defaultdict(list)
    for check in report.checks:
        together[check.step].append(check)
    return {step: counts(tuple(checks)) for step, checks in together.items()}


def _told(report: Report) -> list[str]:
    quoted: list[str | None] = []
    for check in report.checks:
        quoted += [check.expected, check.found, check.cause, check.remedy, check.warning]
        quoted += [change.describe for change in check.changes]
    for cause in report.diagnosis:
        quoted += [cause.cause, cause.remedy]
        quoted += [part for one in cause.suspects for part in (one.name, one.here, one.there)]
    quoted += [part for one in report.drift for part in (one.name, *one.values.values())]
    return [value for value in quoted if value is not None]


def inline(name: str) -> Markup:
    """Return one of our own files, the only text on a page that is not escaped."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704


def policy_hash(source: str) -> str:
    """Return the hash by which a page's policy lets only this source run, so that nothing slipped in would act."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
