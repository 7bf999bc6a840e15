"""The last screen of a run: the verdict, why, what to do next, and where the rest is."""

import os
from collections.abc import Iterator
from pathlib import Path

from cluster.paths import is_file
from engine.diagnosis import Cause
from engine.naming import named
from engine.report import how_many_follow
from engine.run import Run
from engine.suspects import Suspect
from engine.terminal import count
from reports.outcome import Outcome

_WORDS = {
    Outcome.FAILED: "does not hold",
    Outcome.FIX_FAILED: "does not hold, and could not be repaired",
    Outcome.UNKNOWN: "not known",
    Outcome.BLOCKED: "not judged",
    Outcome.WOULD_FIX: "does not hold yet",
}

SHOWN_CAUSES, SHOWN_SUSPECTS = 3, 4


def title(run: Run) -> str:
    """Name the verdict in a word or two."""
    if run.interrupted:
        return "INTERRUPTED"
    if run.options.mode == "undo":
        return "TAKEN BACK" if run.exit_status == 0 else "NOT ALL TAKEN BACK"
    return {0: "READY", 1: "NOT READY"}.get(run.exit_status, "NOT SURE")


def _count(run: Run) -> str:
    """Count the verdicts, and say where they are not all there is to say."""
    if run.options.mode == "undo":
        left = sum(verdict.outcome is Outcome.FIX_FAILED for verdict in run.verdicts)
        return f"{len(run.verdicts) - left} taken back" + (f", {left} still in place" if left else "")
    told = count(run.verdicts) or "nothing was judged"
    return told if run.whole else f"{told}; only a part of all checks was selected"


def _warnings(run: Run) -> Iterator[str]:
    """Tell the warnings of checks that hold: the lines above may have scrolled away."""
    warned: dict[str, list[str]] = {}
    for verdict in run.verdicts:
        if verdict.warning:
            warned.setdefault(verdict.warning, []).append(verdict.node or "cluster")
    for number, (what, nodes) in enumerate(list(warned.items())[:SHOWN_CAUSES]):
        yield f"{'Warning:' if number == 0 else '':<9}{named(nodes, of=len(run.cluster.names))}: {what}"
    if len(warned) > SHOWN_CAUSES:
        yield f"{'':<9}and {len(warned) - SHOWN_CAUSES} more, in the report"


def last_lines(run: Run, unwritten: str | None) -> list[str]:
    """Say what was found, why, what comes next and where the report is, or why there is none, a line each."""
    lines = [_count(run), *_nodes(run), *_why(run.causes, len(run.cluster.names)), *_warnings(run)]
    if run.next:
        lines.append(f"Next:    {run.next}")
    if run.undo_command:
        lines.append(f"Undo:    {run.undo_command}")
    if is_file(page := run.directory / "report.html"):
        lines.append(f"Report:  {shorten(page)}")
    if unwritten:
        lines.append(f"Missing: {unwritten}")
    if run.bundle:
        lines.append(f"Bundle:  {shorten(run.bundle)}, to send to somebody who was not there")
    return lines


def shorten(path: Path) -> str:
    """Name a path from here where that is shorter."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _nodes(run: Run) -> Iterator[str]:
    """Tell how many nodes are ready, where some are and some are not."""
    ready, nodes = run.nodes_ready, len(run.cluster.names)
    if 0 < ready < nodes and run.options.mode != "undo":
        least = run.options.min_ready
        enough = f"; {least} {'is' if least == 1 else 'are'} enough" if least else ""
        yield f"Nodes:   {ready} of {nodes} are ready{enough}"


def _why(causes: list[Cause], size: int) -> Iterator[str]:
    for number, cause in enumerate(causes[:SHOWN_CAUSES]):
        place = f"{named(cause.nodes, of=size)}: " if cause.nodes else ""
        follow = f" ({how_many_follow(len(cause.explains))})" if cause.explains else ""
        yield f"{'Why:' if number == 0 else '':<9}{place}{_WORDS[cause.outcome]}: {cause.title}{follow}"
        yield from (f"{'':<11}{_difference(one)}" for one in cause.suspects[:SHOWN_SUSPECTS])
    if len(causes) > SHOWN_CAUSES:
        yield f"{'':<9}and {len(causes) - SHOWN_CAUSES} more, in the report"


def _difference(one: Suspect) -> str:
    here, there = one.here or "not there", one.there or "not there"
    return f"differs on {one.node}: {one.subject}, {one.name}: {here}; {one.compared_with}: {there}"
