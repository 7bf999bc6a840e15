"""The report file, schema 1; every text is made printable as it is read.

Keys that other tools add are let pass.
"""

import math
import sys
from collections import defaultdict
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from reports.outcome import Outcome
from reports.text import visible


def _visible(value: object) -> object:
    # Of a hundred nodes that are alike most texts are the same.
    return sys.intern(visible(value)) if isinstance(value, str) else value


def _finite(value: object) -> object:
    # Python's json writes NaN and Infinity, which a diverging loss produces; they are told as not known.
    return None if isinstance(value, float) and not math.isfinite(value) else value


Text = Annotated[str, BeforeValidator(_visible)]
Figure = Annotated[float | None, BeforeValidator(_finite)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was asked and when; seconds is the whole run's."""

    id: Text
    mode: Literal["check", "plan", "fix", "undo"]
    started: Text
    seconds: Figure
    inventory: Text | None
    simulated: tuple[Text, ...]
    ready: bool
    cluster: Text | None = None
    command: Text | None = None
    interrupted: bool = False
    whole: bool = True
    version: Text | None = None
    nodes_ready: int | None = None
    min_ready: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU of a node."""

    name: Text | None = None
    uuid: Text | None = None
    driver: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One interface of a node; `up` says that it has a carrier, speed is in Mb/s, MTU in bytes."""

    name: Text
    network: Literal["fabric", "management"]
    up: bool
    speed_mbps: Figure = None
    mtu: int | None = None
    addresses: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node as it was found; None is what could not be read."""

    name: Text
    address: Text | None = None
    role: Text | None = None
    rank: int | None = None
    os: Text | None = None
    kernel: Text | None = None
    docker: Text | None = None
    swarm: Text | None = None
    gpus: tuple[Gpu, ...] | None = None
    links: tuple[Link, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the playbook, by its own number."""

    number: int
    title: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was changed, or would be: a unified diff or a command line; on `node` where that is not the check's own."""

    describe: Text
    risk: Literal["safe", "disruptive", "human"]
    applied: bool
    node: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A command that was run on a node and what it said; exit is None where it did not end."""

    command: Text
    exit: int | None
    output: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The limit that a check held something to; margin is what was to spare, negative where it was broken."""

    name: Text
    value: float
    good: Text
    unit: Text
    source: Text
    margin: Figure = None

    @property
    def words(self) -> str:
        """The limit as a person says it, with what was to spare and who set it."""
        told = f"{self.good} {self.value:g} {self.unit}".strip()
        if self.margin is not None:
            told += f", {abs(self.margin):g} {'to spare' if self.margin >= 0 else 'too ' + self._wrong_way}"
        return f"{told} ({self.source})"

    @property
    def _wrong_way(self) -> str:
        return "much" if self.good == "at most" else "little"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One check in one place; node is None where it is about the cluster."""

    id: Text
    node: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One assertion about a node, or about the cluster where node is None."""

    id: Text
    step: int
    title: Text
    node: Text | None
    outcome: Outcome
    expected: Text | None
    found: Text | None
    cause: Text | None
    remedy: Text | None
    changes: tuple[Change, ...]
    seconds: Figure
    started: Figure = None
    evidence: tuple[Evidence, ...]
    blocked_by: tuple[Text, ...] = ()
    follows_from: tuple[Place, ...] = ()
    warning: Text | None = None
    threshold: Threshold | None = None

    @property
    def place(self) -> str:
        """The node's name, or "cluster"."""
        return "cluster" if self.node is None else self.node


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One value that differs where something fails; None where there is no such thing."""

    node: Text
    subject: Text
    name: Text
    here: Text | None
    there: Text | None
    compared_with: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A check that fails and that no other failure explains, with what follows from it."""

    id: Text
    title: Text
    outcome: Outcome
    nodes: tuple[Text, ...]
    cause: Text | None
    remedy: Text | None
    explains: tuple[Place, ...]
    suspects: tuple[Suspect, ...] = ()
    more_suspects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value that the nodes do not share, by node; None where there is no such thing."""

    subject: Text
    name: Text
    values: dict[Text, Text | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStep:
    """One optimizer step; loss has no unit."""

    step: int
    loss: Figure = None
    tokens_per_s: Figure = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """One process of the training, its steps by its own clock, and the SHA-256 of the weights that it ended with."""

    rank: int
    node: Text | None = None
    weights_sha256: Text | None = None
    steps: tuple[TrainingStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The fine-tune that closed the run; tokens_per_s is over all ranks."""

    recipe: Text
    settings: dict[Text, Text] = Field(default_factory=dict)
    world_size: int | None = None
    steps: tuple[TrainingStep, ...] = ()
    tokens_per_s: Figure = None
    seconds: Figure = None
    adapter: Text | None = None
    ranks: tuple[Rank, ...] = ()


class Located(NamedTuple):
    """A check and its position in the file, by which pages link to it."""

    position: int
    check: Check


@dataclass(frozen=True, kw_only=True)
class Report:
    """The whole file; its `schema` is judged by `load`, before the rest is looked at."""

    run: Run
    nodes: tuple[Node, ...]
    checks: tuple[Check, ...]
    next: Text | None
    diagnosis: tuple[Cause, ...] = ()
    drift: tuple[Difference, ...] = ()
    more_drift: int = 0
    steps: tuple[Step, ...] = ()
    training: Training | None = None
    undo: Text | None = None

    @cached_property
    def located(self) -> tuple[Located, ...]:
        """All checks, each with its position."""
        return tuple(Located(position, check) for position, check in enumerate(self.checks))

    @cached_property
    def by_node(self) -> dict[str | None, list[Located]]:
        """The checks of each node, and under None those of the cluster."""
        found: dict[str | None, list[Located]] = defaultdict(list)
        for one in self.located:
            found[one.check.node].append(one)
        return found

    @cached_property
    def by_place(self) -> dict[tuple[str, str | None], list[Located]]:
        """The same for each check's id and node: more than one where an undo tells several changes of a check."""
        found: dict[tuple[str, str | None], list[Located]] = defaultdict(list)
        for one in self.located:
            found[one.check.id, one.check.node].append(one)
        return found


REPORT = TypeAdapter(Report)
"""Reads the whole file, and knows its schema."""
