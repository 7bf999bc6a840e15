"""What differs where something fails: from when the cluster was last ready, else from the nodes where it holds."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cluster.cluster import Cluster
from cluster.errors import ClusterError
from cluster.facts.adapter import AdapterFacts
from cluster.facts.docker import DockerFacts
from cluster.facts.gpu import GpuFacts
from cluster.facts.machine import MachineFacts
from cluster.facts.state import State, StateFacts
from cluster.node import Node
from engine.earlier import newest_first
from engine.naming import named
from engine.redact import Redaction
from reports.files import write_whole

FILE = "state.json"

_SERIALS = re.compile(
    r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b"
)
_OWN_FILES = re.compile(r"^/etc/(hostname|hosts|machine-id|resolv\.conf|fstab|netplan/.*|ssh/.*|docker/.*)$")

States = dict[str, dict[str, State]]
"""Nodes, subjects, values by name."""


@dataclass(frozen=True)
class Suspect:
    """One value that differs on a node; `here` or `there` is None where there is no such thing."""

    node: str
    subject: str
    name: str
    here: str | None
    there: str | None
    compared_with: str


@dataclass(frozen=True)
class Difference:
    """One value that the nodes do not share, by node; None where there is no such thing."""

    subject: str
    name: str
    values: dict[str, str | None]


_TOLD = (StateFacts, DockerFacts, MachineFacts, GpuFacts, AdapterFacts)


def read_states(cluster: Cluster) -> States:
    """Ask all nodes that answer what they are; secrets are hidden while their names still stand beside them."""
    # With what else is told of nodes at the end, of which repairs may have left nothing.
    cluster.gather(*_TOLD)
    redaction = Redaction()
    return {node.name: redaction.of(node.state.known) for node in cluster.reached}


def keep_states(directory: Path, run: str, states: States) -> None:
    """Keep what the nodes were when they were ready, for its owner alone, in one step."""
    directory.mkdir(parents=True, exist_ok=True)
    write_whole(directory / FILE, json.dumps({"run": run, "nodes": states}), mode=0o600)


def last_ready(reports: Path, nodes: Iterable[str]) -> tuple[str, States] | None:
    """Return the newest run that left these nodes ready, and what they were then."""
    wanted = set(nodes)
    for _, told in newest_first(reports, FILE):
        try:
            run, states = str(told["run"]), dict(told["nodes"])
        except (ValueError, LookupError, TypeError):
            continue  # none of ours
        if set(states) == wanted:
            return run, states
    return None


def since_ready(now: States, then: States, run: str, nodes: Iterable[str]) -> list[Suspect]:
    """Find what changed on these nodes since a run that found them ready."""
    return [
        Suspect(node, subject, name, here, there, f"run {run}, when it was ready")
        for node in nodes
        if node in now and node in then
        for subject, name, here, there in _differences(now[node], then[node])
    ]


def neutral(cluster: Cluster, states: States) -> States:
    """Write what is every node's own (names, addresses, serials) the same for all of them; its files are left out."""
    names = {node.name: _names(node) for node in cluster.nodes}
    peers = {word: "(a peer's)" for words in names.values() for word in words}
    # Names and numbers are looked up, not tried one by one: there are thousands of both in a large cluster.
    with_colons = [re.escape(word) for word in sorted(peers, key=len, reverse=True) if ":" in word]
    words = "|".join([*with_colons, r"[\w.-]*\w"])
    a_word = re.compile(rf"(?<![\w.-])(?:{words})(?![\w-])")
    plain: dict[str, str | None] = {}

    def written(text: str, own: dict[str, str]) -> str:
        if text not in plain:
            alike = _SERIALS.sub("(its own)", text)
            plain[text] = alike if a_word.sub(partial(_replaced, peers), text) == text else None
        alike_for_all = plain[text]
        if alike_for_all is not None:
            return alike_for_all
        return _SERIALS.sub("(its own)", a_word.sub(partial(_replaced, own), text))

    return {
        node: {
            subject: {written(name, own): written(value, own) for name, value in values.items() if not _own_file(name)}
            for subject, values in state.items()
        }
        for node, state in states.items()
        for own in [peers | dict.fromkeys(names[node], "(its own)")]
    }


def between_nodes(known: States, failing: Iterable[str]) -> list[Suspect]:
    """Find what a failing node has like none of those where the check holds; `known` is neutral.

    Where no node is named, or all are, each is compared with the first.
    """
    ill = [name for name in failing if name in known] or list(known)[1:]
    if len(ill) == len(known):
        ill = list(known)[1:]
    well = [name for name in known if name not in ill]
    return [
        Suspect(node, subject, name, here, there, named(well))
        for node in ill
        for subject, name, here, there in _differences(known[node], known[well[0]])
        if all(known[other].get(subject, {}).get(name) == there for other in well)
    ]


def differing(known: States) -> list[Difference]:
    """Find what the nodes do not share; `known` is neutral, and a node that cannot tell is left out."""
    subjects = dict.fromkeys(subject for state in known.values() for subject in state)
    found = []
    for subject in subjects:
        told = {node: state[subject] for node, state in known.items() if subject in state}
        for name in sorted({name for values in told.values() for name in values}):
            values = {node: state.get(name) for node, state in told.items()}
            if len(set(values.values())) > 1:
                found.append(Difference(subject, name, values))
    return found


def _differences(here: dict[str, State], there: dict[str, State]) -> Iterator[tuple[str, str, str | None, str | None]]:
    for subject in (subject for subject in here if subject in there):
        mine, other = here[subject], there[subject]
        for name in sorted(mine.keys() | other.keys()):
            if mine.get(name) != other.get(name):
                yield subject, name, mine.get(name), other.get(name)


def _replaced(words: Mapping[str, str], found: re.Match[str]) -> str:
    """Return a word as it is for all; one with a domain, or before a full stop, is known by what comes first."""
    word, rest = found.group(), ""
    while word and word not in words:
        word, dot, last = word.rpartition(".")
        rest = dot + last + rest
    return words[word] + rest if word else found.group()


def _own_file(name: str) -> bool:
    return _OWN_FILES.match(name) is not None


def _names(node: Node) -> set[str]:
    found = {node.name, node.address}
    with suppress(ClusterError):
        found.add(node.machine.hostname)
    with suppress(ClusterError):
        found |= node.network.ips
    return found - {"127.0.0.1"}
