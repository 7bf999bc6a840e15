"""summary.md: the run on the page of a CI job."""

import re

from reports.causes import entries
from reports.changes import headline, is_planned, shared_remedy, sum_of, told_changes
from reports.fold import folded
from reports.matrix import Cell, places, steps
from reports.model import Cause, Check, Report, Suspect
from reports.summary import counts, sentence, verdict
from reports.text import clip, duration, when
from reports.training import training_line

# GitHub refuses a job summary above 1 MiB; a table is also easier to read with short cells.
CELL_LIMIT = 300
CHANGE_LIMIT = 4000
MOST_ROWS = 100
MOST_CHANGES = 50

# As character references they are shown and never parsed, whatever the dialect of Markdown.
_ACTIVE = re.compile(r"[&<>|`*_~\[\]\\#]")
_CODE = re.compile(r"&#96;(.+?)&#96;")
"""What stood between backticks, once they are escaped."""


def to_markdown(report: Report) -> str:
    """Return the summary: verdict, next, what was simulated, failures, matrix, changes and the way back."""
    parts = [_head(report), _attention(report), _warnings(report), _matrix(report), _changes(report)]
    return "\n\n".join(part for part in parts if part) + "\n"


def coded(value: str) -> str:
    """Return the same, with what stands between backticks as code."""
    return "<br>".join(_CODE.sub(r"<code>\1</code>", line) for line in escape(value).split("<br>"))


def escape(value: str) -> str:
    """Return text as one line of Markdown that shows it and means nothing else."""
    shown = _ACTIVE.sub(lambda match: f"&#{ord(match.group())};", value.strip())
    return "<br>".join(line.strip() for line in shown.splitlines())


def _head(report: Report) -> str:
    run = report.run
    lines = [f"# {verdict(report)}", sentence(report)]
    if trained := training_line(report):
        lines.append(escape(trained))
    if report.next:
        lines.append(f"**Next:** {coded(clip(report.next, CHANGE_LIMIT))}")
    if run.simulated:
        lines.append("**Simulated in this run:** " + "; ".join(escape(what) for what in run.simulated))
    lines.append(
        f"Run {escape(run.id)} ({run.mode}) on {escape(run.cluster or 'the cluster')}, "
        f"{escape(when(run.started))}, {duration(run.seconds)}."
    )
    return "\n\n".join(lines)


def _attention(report: Report) -> str:
    failures: list[tuple[Cause | None, Check]]
    # What follows from a cause that lies on several nodes is counted once.
    failures = [
        (None if number else cause, check)
        for cause in report.diagnosis
        for number, (_, check) in enumerate(entries(report, cause))
    ]
    if not failures:
        # A report of another tool may rank no causes.
        failures = [(None, check) for check in report.checks if check.outcome.needs_attention]
    if not failures:
        return ""
    remedy = shared_remedy(report)
    rows = [_failure(cause, check, report.run.mode)[: 6 if remedy else None] for cause, check in failures[:MOST_ROWS]]
    head = ["Node", "Check", "Outcome", "Found", "Expected", "Cause", "Remedy"]
    table = _table(head[: 6 if remedy else None], rows)
    more = len(failures) - len(rows)
    title = "What still stands" if report.run.mode == "undo" else "What needs attention"
    told = f"## {title}\n\n{table}" + (f"\n\nand {more:,} more, in report.html." if more else "")
    if remedy:
        told += f"\n\nThe remedy of all of them: {coded(clip(remedy, CHANGE_LIMIT))}"
    suspects = [_suspect(cause, one) for cause in report.diagnosis for one in cause.suspects][:MOST_ROWS]
    if not suspects:
        return told
    return f"{told}\n\n## What differs there\n\n" + _table(["Check", "Node", "What", "There", "Compared"], suspects)


def _failure(cause: Cause | None, check: Check, mode: str) -> list[str]:
    follow = f" ({len(cause.explains):,} follow)" if cause and cause.explains else ""
    values = [check.found, check.expected, check.cause, check.remedy]
    cells = [_cell(check.place), f"{_cell(check.title)}<br>{_cell(check.id)}", f"{check.outcome.word_in(mode)}{follow}"]
    return cells + [_cell(value) for value in values]


def _suspect(cause: Cause, one: Suspect) -> list[str]:
    compared = f"{one.there or 'none'} ({one.compared_with})"
    return [_cell(value) for value in (cause.id, one.node, f"{one.subject}: {one.name}", one.here or "none", compared)]


def _warnings(report: Report) -> str:
    rows = [
        [_cell(check.place), f"{_cell(check.title)}<br>{_cell(check.id)}", _cell(check.warning), _cell(check.found)]
        for check in report.checks
        if check.warning
    ]
    return f"## Warnings\n\n{_table(['Node', 'Check', 'Warning', 'Found'], rows[:MOST_ROWS])}" if rows else ""


def _matrix(report: Report) -> str:
    if not report.checks:
        return ""
    report = folded(report)
    columns = places(report)
    rows = [[f"{step.number}. {_cell(step.title)}", *[_glyphs(cell) for cell in step.cells]] for step in steps(report)]
    legend = ", ".join(f"{outcome.glyph} {outcome.word_in(report.run.mode)}" for outcome, _ in counts(report.checks))
    return f"## Steps\n\n{_table(['Step', *map(_cell, columns)], rows)}\n\n{legend}, · not run"


def _glyphs(cell: Cell) -> str:
    return f"{cell.worst.glyph} {cell.share}".strip() if cell.worst else "·"


def _changes(report: Report) -> str:
    told = told_changes(report)
    if not told:
        return ""
    parts = [f"## {'What would be changed' if is_planned(report) else 'What was changed'}", sum_of(report)]
    if report.undo:
        parts += ["To take all of it back:", _fenced(report.undo, "sh")]
    elif not is_planned(report):
        parts.append("This cannot be undone.")
    for check, change in [(check, change) for _, check, change in told[:MOST_CHANGES]]:
        where, what = escape(change.node or check.place), escape(headline(change.describe))
        line = f"<b>{where}</b> {escape(check.title)} ({change.risk}): {what}"
        parts += [f"<details><summary>{line}</summary>", _fenced(change.describe, "diff"), "</details>"]
    if len(told) > MOST_CHANGES:
        parts.append(f"and {len(told) - MOST_CHANGES:,} more, in report.html.")
    return "\n\n".join(parts)


def _fenced(value: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", value)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{clip(value, CHANGE_LIMIT)}\n{fence}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: str | None) -> str:
    return "" if value is None else coded(clip(value, CELL_LIMIT))
