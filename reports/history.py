"""All runs in one folder, each as the little that the history needs of it, so that old reports are read only once."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from reports.files import write_whole
from reports.load import ReportError, load
from reports.model import Report, Text
from reports.outcome import Outcome
from reports.summary import Verdict, sentence, verdict

CACHE = "history.json"
RUNS = "2[0-9]*"
"""A run's folder begins with its year."""
RUN_FOLDER = re.compile(r"\d{8}-\d{6}-(check|plan|fix|undo)(-\d+)?")
"""The whole name: whoever removes runs looks at nothing else that may lie beside them."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Measured(_Part):
    """One figure of a run: what was measured and where, its unit, whether less is better, and its limit, if any."""

    title: Text
    place: Text
    value: float
    unit: Text
    less_is_better: bool
    limit: float | None = None


class Entry(_Part):
    """One run; outcomes are by check and place, as "id@place", figures by a name that stays from run to run."""

    id: Text
    started: Text
    seconds: float | None
    mode: Text
    cluster: Text
    verdict: Verdict
    whole: bool
    sentence: Text
    ready: bool
    outcomes: dict[Text, Outcome]
    figures: dict[Text, Measured]


class _Cached(_Part):
    stamp: tuple[int, int]
    entry: Entry


class _Cache(_Part):
    runs: dict[str, _Cached] = {}


def gather(out: Path, at_hand: Mapping[str, Report] | None = None) -> list[Entry]:
    """Return the runs of a folder, oldest first; one whose report cannot be read is left out.

    Reports `at_hand`, by run, are not read again.
    """
    loaded = at_hand or {}
    known = _read(out / CACHE).runs
    found: dict[str, _Cached] = {}
    for path in sorted(out.glob(f"{RUNS}/report.json")):
        name, about = path.parent.name, path.stat()
        stamp = (about.st_mtime_ns, about.st_size)
        if name in known and known[name].stamp == stamp:
            found[name] = known[name]
            continue
        try:
            found[name] = _Cached(stamp=stamp, entry=digest(name, loaded[name] if name in loaded else load(path)))
        except ReportError:
            continue  # half a report, or one of another version: its own page is what tells of that
    if found != known:
        write_whole(out / CACHE, _Cache(runs=found).model_dump_json())
    return [cached.entry for cached in found.values()]


def digest(name: str, report: Report) -> Entry:
    """Take from a report what the history needs."""
    return Entry(
        id=name,
        started=report.run.started,
        seconds=report.run.seconds,
        mode=report.run.mode,
        cluster=report.run.cluster or "cluster",
        verdict=verdict(report),
        whole=report.run.whole,
        sentence=sentence(report),
        ready=report.run.ready,
        outcomes={f"{check.id}@{check.place}": check.outcome for check in report.checks},
        figures=_figures(report),
    )


def _figures(report: Report) -> dict[str, Measured]:
    found = {}
    for check in report.checks:
        limit = check.threshold
        if limit is None or limit.margin is None:
            continue
        less = limit.good == "at most"
        found[f"{check.id}@{check.place}"] = Measured(
            title=check.title,
            place=check.place,
            value=round(limit.value - limit.margin if less else limit.value + limit.margin, 6),
            unit=limit.unit,
            less_is_better=less,
            limit=limit.value,
        )
    training = report.training
    if training and training.tokens_per_s is not None:
        found[f"training@{training.recipe}@{training.world_size}"] = Measured(
            title=f"Training, recipe {training.recipe}, ranks: {training.world_size}",
            place="cluster",
            value=training.tokens_per_s,
            unit="tokens/s",
            less_is_better=False,
        )
    return found


def _read(path: Path) -> _Cache:
    try:
        return _Cache.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        return _Cache()  # not there yet, or of another version: it is made again from the reports
