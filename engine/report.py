"""report.json: the one account of a run, from which all others are made (schema 1)."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError
from cluster.facts.network import Link
from cluster.node import Node
from engine.diagnosis import Cause
from engine.naming import as_clause, named
from engine.outcome import Verdict
from engine.redact import Redaction
from reports.files import write_parts
from reports.outcome import Outcome

SCHEMA = 1
_OF_THE_PLAN = {"pending", "rests_on", "unforeseen"}
"""What a verdict holds for the plan alone."""


def describe_node(node: Node) -> dict[str, Any]:
    """Say what is known of a node; what was never asked or could not be read is null."""
    return {
        "name": node.name,
        "address": node.address,
        "role": node.role,
        "rank": node.rank,
        "os": _known(lambda: node.machine.os),
        "kernel": _known(lambda: node.machine.kernel),
        "docker": _known(lambda: node.docker.engine.version),
        "swarm": _known(lambda: _swarm(node)),
        "gpus": _known(lambda: [{"name": gpu.name, "uuid": gpu.uuid, "driver": gpu.driver} for gpu in node.gpu.gpus]),
        "links": _known(lambda: _links(node)),
    }


def _swarm(node: Node) -> str:
    swarm = node.docker.engine.swarm
    return ("manager" if swarm.is_manager else "worker") if swarm.state == "active" else swarm.state


def _links(node: Node) -> list[dict[str, Any]]:
    """Tell the ports of the fabric, and the interface that has the address by which we reach the node."""
    network = node.network
    speeds = _known(lambda: node.adapter.speeds) or {}
    wanted = node.cluster.inventory.fabric.interfaces
    named = () if wanted == "auto" else wanted

    def role(link: Link) -> str | None:
        if link.name in network.ports or link.name in named:
            return "fabric"
        return "management" if node.address in {str(address.ip) for address in link.addresses} else None

    return [
        {
            "name": link.name,
            "network": role(link),
            "up": network.ports.get(link.name, link.up),
            "speed_mbps": speeds.get(link.name),
            "mtu": link.mtu,
            "addresses": [str(address) for address in link.addresses],
        }
        for link in network.links.values()
        if role(link)
    ]


def _known(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ClusterError:
        return None


_POINTS_AT_THE_CAUSE = re.compile(r"(?:see|do what|mend what) the cause(?: says| names)?(?:; )?")


def next_step(causes: list[Cause], mode: str, command: Callable[..., str], size: int | None = None) -> str | None:
    """Name the one thing to do next, about the first cause, in a cluster of this size.

    `command` tells the command that runs this with options.
    """
    if not causes:
        return None
    first = causes[0]
    if first.outcome is Outcome.WOULD_FIX:
        return f"Run `{command('--fix')}` to make the changes planned."
    where = named(first.nodes, of=size)
    place = f"{where}: " if where else ""
    follows = f" {how_many_follow(len(first.explains))} from it." if first.explains else ""
    if first.remedy == command("--fix") and mode == "check":
        way = f"Run `{command('--plan')}` to see what would change, then `--fix`."
        return f"{f'On {where} this' if where else 'This'} does not hold: {first.title}. {way}{follows}"
    if first.outcome is Outcome.UNKNOWN and first.remedy is None and first.cause:
        known = f"it is not known whether {as_clause(first.title)}"
        return f"{place}{known}: {first.cause}{follows}"
    remedy = (first.remedy or f"look into this: {first.title}").removesuffix(".")
    cause = first.cause.removesuffix(".") if first.cause and first.cause != first.remedy else ""
    if cause and (points := _POINTS_AT_THE_CAUSE.match(remedy)):
        # What has to be done is the cause itself, or stands in it.
        then = remedy[points.end() :]
        return f"{place}{cause}{f'; {then}' if then else ''}.{follows}"
    return f"{place}{remedy}{f' ({cause})' if cause else ''}.{follows}"


def how_many_follow(number: int) -> str:
    """Say how many other checks follow."""
    return "1 other check follows" if number == 1 else f"{number} other checks follow"


def write_report(directory: Path, run: dict[str, Any], nodes: Iterable[Node], body: dict[str, Any]) -> Path:
    """Write report.json in one step and return its path; of a list in `body` each thing may be made in its turn."""
    described = [describe_node(node) for node in nodes]
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "report.json"
    write_parts(path, _lines({"schema": SCHEMA, "run": run, "nodes": described, **body}))
    path.chmod(0o644)
    return path


def _lines(report: dict[str, Any]) -> Iterator[str]:
    """Write each part on a line of its own, and each thing of a list of things: a line of the file is then a check."""
    redaction = Redaction()
    yield "{\n"
    for position, (name, value) in enumerate(report.items(), start=1):
        yield f"{json.dumps(name)}: "
        if isinstance(value, list | Iterator):
            joint = "["
            for thing in value:
                yield f"{joint}\n{json.dumps(redaction.of(thing))}"
                joint = ","
            yield "\n]" if joint == "," else "[]"
        else:
            yield json.dumps(redaction.of(value))
        yield ",\n" if position < len(report) else "\n"
    yield "}\n"


def verdicts_as_json(verdicts: list[Verdict]) -> Iterator[dict[str, Any]]:
    """Turn verdicts into plain data, one by one: of a large cluster all at once would take the room of the run."""
    for verdict in verdicts:
        yield {name: value for name, value in asdict(verdict).items() if name not in _OF_THE_PLAN} | {
            "outcome": verdict.outcome.value,
            "started": None if verdict.started is None else round(verdict.started, 3),
            "seconds": round(verdict.seconds, 3),
        }
