"""index.html beside the runs: readiness over time, what changed between runs, and figures against their own past."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from reports.compare import Turn, turns
from reports.files import write_whole
from reports.history import Entry, gather
from reports.html import inline, page_environment, policy_hash
from reports.model import Report
from reports.outcome import Outcome
from reports.summary import Verdict
from reports.trend import Trend, trends

FILE = "index.html"
MOST_RUNS = 200
"""So many of the newest runs are on the page."""
MOST_TURNS = 40
CHART_WIDTH, CHART_HEIGHT, EDGE = 320, 110, 10

SYMBOLS = {
    Verdict.READY: Outcome.PASSED.value,
    Verdict.READY_IN_PART: "in_part",
    Verdict.NOT_READY: Outcome.FAILED.value,
    Verdict.NOT_SURE: Outcome.UNKNOWN.value,
    Verdict.INTERRUPTED: Outcome.UNKNOWN.value,
    Verdict.TAKEN_BACK: Outcome.FIXED.value,
    Verdict.NOT_ALL_TAKEN_BACK: Outcome.FIX_FAILED.value,
}
_LETTERS = {outcome: chr(ord("a") + place) for place, outcome in enumerate(Outcome)}


@dataclass(frozen=True)
class Line:
    """One run in the list, with what ended otherwise than in the run before it; None where there is none before."""

    run: Entry
    turns: list[Turn] | None


@dataclass(frozen=True)
class Chart:
    """A trend drawn: its points, where its band lies (top and height), and where it ends, in SVG user units."""

    trend: Trend
    points: str
    band: tuple[float, float] | None
    end: tuple[float, float]


@dataclass(frozen=True)
class ClusterHistory:
    """The runs of one cluster, newest first; figures that were the same in all of them are not drawn.

    `head` is the newest that judged the whole cluster, if any did, `part` the newest of a part since.
    """

    name: str
    head: Entry
    part: Entry | None
    lines: list[Line]
    charts: list[Chart]
    still: list[Trend]
    undone: Entry | None
    """The run that took changes back since the newest of them, if there is one."""


def write_index(out: Path, at_hand: Mapping[str, Report] | None = None) -> Path:
    """Write index.html over all runs of a folder and return its path; reports `at_hand`, by run, are not read again.

    Raises:
        OSError: it cannot be written.
    """
    path = out / FILE
    write_whole(path, to_index(gather(out, at_hand)))
    return path


def to_index(runs: Sequence[Entry]) -> str:
    """Return the page over these runs, oldest first."""
    shown = [run for run in runs if run.mode != "undo"][-MOST_RUNS:]
    style, script = Markup("\n").join([inline("report.css"), inline("index.css")]), inline("index.js")
    environment = page_environment()
    environment.globals.update(symbols=SYMBOLS, most_turns=MOST_TURNS)
    return environment.get_template("index.html.j2").render(
        clusters=[_cluster(name, shown, runs) for name in dict.fromkeys(run.cluster for run in reversed(shown))],
        number=len(shown),
        outcomes=list(Outcome),
        letters=_LETTERS,
        data=_data(shown),
        style=style,
        script=script,
        style_hash=policy_hash(style),
        script_hash=policy_hash(script),
    )


def chart(trend: Trend) -> Chart:
    """Draw a trend from its first run to its newest."""
    values = [value for _, value in trend.values]
    ends = [trend.band.low, trend.band.high] if trend.band else []
    low, high = min(values + ends), max(values + ends)

    def down(value: float) -> float:
        return round(EDGE + (high - value) / ((high - low) or 1) * (CHART_HEIGHT - 2 * EDGE), 1)

    pitch = (CHART_WIDTH - 2 * EDGE) / (len(values) - 1)
    spots = [(round(EDGE + place * pitch, 1), down(value)) for place, value in enumerate(values)]
    top = down(trend.band.high) if trend.band else 0.0
    band = (top, round(down(trend.band.low) - top, 1)) if trend.band else None
    return Chart(trend, " ".join(f"{x},{y}" for x, y in spots), band, spots[-1])


def _cluster(name: str, runs: Sequence[Entry], all_runs: Sequence[Entry]) -> ClusterHistory:
    own = [run for run in runs if run.cluster == name]
    newest = [run for run in all_runs if run.cluster == name][-1]
    lines = [Line(run, turns(own[place - 1], run) if place else None) for place, run in enumerate(own)]
    found = trends(own)
    moving = [chart(trend) for trend in found if trend.moves]
    still = [trend for trend in found if not trend.moves]
    head = next((run for run in reversed(own) if run.whole), own[-1])
    part = own[-1] if own[-1] is not head else None
    return ClusterHistory(name, head, part, lines[::-1], moving, still, newest if newest.mode == "undo" else None)


def _data(runs: Sequence[Entry]) -> Markup:
    """Return all outcomes for the comparison of any two runs: a letter for each check, a space where it was not run."""
    names = sorted({name for run in runs for name in run.outcomes})
    told = {
        run.id: "".join(_LETTERS[run.outcomes[name]] if name in run.outcomes else " " for name in names).rstrip()
        for run in runs
    }
    # In a script nothing is escaped, so nothing that could end it may be in it.
    text = json.dumps({"checks": names, "runs": told}).replace("<", "\\u003c")
    return Markup(text)  # noqa: S704 - JSON without a "<" cannot leave its element
