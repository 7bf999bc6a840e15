"""A cluster that is never spoken to: what its nodes said is given, and the runbook's own checks judge it."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import yaml

from cluster.cluster import Cluster
from cluster.connection import HeldCommand, Said
from cluster.facts.base import Facts, Reading
from cluster.inventory_file import parse_inventory
from engine.apply import Applier
from engine.check import Context, declared
from engine.comparison import LastComparison
from engine.journal import Journal
from engine.judge import Judge
from engine.outcome import Verdict
from reports.outcome import Outcome


class NobodyThere:
    """A connection that lets us in and then answers nothing, so that what is not given stays unknown."""

    def __init__(self, port: int) -> None:
        """Be there at a port."""
        self.port = port

    def open(self) -> None:
        """Let us in."""

    def reopen(self) -> None:
        """Let us in again."""

    def mend(self) -> None:
        """Nothing breaks."""

    def close(self) -> None:
        """Nothing is open."""

    def give_up(self) -> None:
        """Nothing is waited for."""

    def run(self, command: str, **_: object) -> Said:
        """Say who we are; of all else no more than that it has begun, so that we do not count as hanging."""
        if "id -un" in command:
            door = f"192.168.1.9 50000 192.168.1.1 {self.port}"
            return Said(command, 0, f"1000\nnvidia\n/home/nvidia\nfree {door}\n".encode(), b"", 0.0)
        return Said(command, None, b"\n", b"", 0.0)

    def hold(self, command: str, **_: object) -> HeldCommand:
        """Hold nothing."""
        raise NotImplementedError(command)


@dataclass
class Recorded:
    """Nodes spark-1, spark-2, ... and a judge over them in mode check."""

    folder: Path
    size: int = 2
    inventory: str = ""
    """More keys of cluster.yaml, as YAML."""
    port: int = 22
    """Of every node's sshd."""
    seen_failing: ClassVar[set[str]] = set()
    """The checks that any recorded cluster has seen failing, or warning."""

    def __post_init__(self) -> None:
        """Let us in everywhere."""
        nodes = [{"name": f"spark-{number + 1}"} for number in range(self.size)]
        keys = {"nodes": nodes, **(yaml.safe_load(self.inventory) or {})}
        self.cluster = Cluster(parse_inventory(yaml.safe_dump(keys), "cluster.yaml"))
        for node in self.cluster.nodes:
            node.connection = NobodyThere(self.port)
            node.connect()
        self.compared = LastComparison()
        applier = Applier(Journal(self.folder / "journal.jsonl"), frozenset())
        self._judge = Judge(self.cluster, applier, "check", self.compared)

    def said(self, kind: type[Facts], node: str | None = None, **answers: str | Reading) -> None:
        """Let a node (every node, where none is named) have answered facts by name; a Reading also tells the exit."""
        for one in self.cluster.nodes if node is None else [self.cluster[node]]:
            before = one.facts(kind).readings
            told = {
                name: answer if isinstance(answer, Reading) else Reading(name, 0, answer, "")
                for name, answer in answers.items()
            }
            one.keep(kind(one, {**before, **told}))

    def judge(
        self,
        check: Callable[..., object],
        node: str | None = None,
        *,
        load: bool = False,
        asked_for: Mapping[str, Any] = MappingProxyType({}),
        **fixtures: object,
    ) -> Verdict:
        """Judge one of the runbook's checks, on a node where it is about one; `applies` is heeded.

        `asked_for` are fields of the Context that a person would set by options: train, cleanup.
        """
        found = declared(check, sys.modules[check.__module__])
        assert found is not None, f"{check.__name__} declares no check"
        place = self.cluster[node] if node else None
        options = {"train": "none", "cleanup": False, **asked_for}
        context = Context(self.cluster, load=load, **options)
        skip = found.applies(context) if found.applies else None
        known = {"node": place, "cluster": self.cluster, **fixtures}
        arguments = {name: known[name] for name in inspect.signature(check).parameters}
        # What was recorded does not come to be another by itself.
        verdict = self._judge.judge(replace(found, settles=None), place, lambda: check(**arguments), skip)
        if verdict.outcome is Outcome.FAILED or verdict.warning:
            self.seen_failing.add(verdict.id)
        return verdict
