"""The run as a Prometheus textfile, for node_exporter's textfile collector."""

from reports.model import Report
from reports.outcome import Outcome
from reports.summary import counts, verdict
from reports.text import moment

Sample = tuple[dict[str, str], float]

_HELP = {
    "ready": "1 where the cluster is ready, 0 where it is not or that could not be judged.",
    "nodes": "How many nodes were looked at.",
    "nodes_ready": "On how many of them nothing is wrong but what follows from elsewhere.",
    "whole": "1 where no check was left out by -k, -m or a path, so that ready speaks of the whole cluster.",
    "finished_timestamp_seconds": "When the run ended, in seconds since 1970.",
    "duration_seconds": "How long the run took.",
    "checks": "How many checks came to an outcome.",
    "check_needs_attention": "1 for each check that does not hold, or could not be judged.",
    "check_margin": "What was to spare to the limit that a check holds something to; negative where it is broken.",
    "training_tokens_per_second": "Real tokens per second of the last fine-tune, all ranks together.",
}


def to_metrics(report: Report) -> str:
    """Return the file; every sample names the cluster, and what is not known is left out."""
    lines = []
    for name, samples in _families(report).items():
        if samples:
            lines += [f"# HELP spark_runbook_{name} {_HELP[name]}", f"# TYPE spark_runbook_{name} gauge"]
            lines += [_line(f"spark_runbook_{name}", {"cluster": report.run.cluster or "", **labels}, value)
                      for labels, value in samples]  # fmt: skip
    return "\n".join(lines) + "\n"


def _families(report: Report) -> dict[str, list[Sample]]:
    run, started = report.run, moment(report.run.started)
    ended = None if started is None or run.seconds is None else started.timestamp() + run.seconds
    told = dict(counts(report.checks))
    speed = report.training.tokens_per_s if report.training else None
    return {
        "ready": [({}, float(verdict(report).is_ready))],
        "nodes": [({}, float(len(report.nodes)))],
        "nodes_ready": [] if run.nodes_ready is None else [({}, float(run.nodes_ready))],
        "whole": [({}, float(run.whole))],
        "finished_timestamp_seconds": [] if ended is None else [({}, ended)],
        "duration_seconds": [] if run.seconds is None else [({}, run.seconds)],
        "checks": [({"outcome": outcome.value}, float(told.get(outcome, 0))) for outcome in Outcome],
        "check_needs_attention": [
            ({"check": check.id, "node": check.place, "outcome": check.outcome.value}, 1.0)
            for check in report.checks
            if check.outcome.needs_attention
        ],
        "check_margin": [
            ({"check": check.id, "node": check.place, "unit": check.threshold.unit}, check.threshold.margin)
            for check in report.checks
            if check.threshold and check.threshold.margin is not None
        ],
        "training_tokens_per_second": []
        if speed is None or report.training is None
        else [({"recipe": report.training.recipe}, speed)],
    }


def _line(name: str, labels: dict[str, str], value: float) -> str:
    told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{told}}} {value:.12g}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
