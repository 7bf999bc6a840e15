"""Asking one node about several subjects in one round trip, and giving each subject its own answers."""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import replace
from threading import Lock

from cluster.connection import Said
from cluster.errors import UnknownFact, Unreachable
from cluster.facts.base import Facts, Probe, Reading
from cluster.facts.script import build_script, take_apart
from cluster.node import Node
from cluster.read_only import refuse_changes
from cluster.session import HANGS


def ask(kinds: Collection[type[Facts]], node: Node) -> None:
    """Ask a node about those subjects that it has not told of yet; it keeps what it said, or why it said nothing.

    Of several who ask about the same subject at a time, one does.
    """
    with ExitStack() as asking:
        # In one order everywhere, or two who ask about the same subjects could wait for each other.
        for kind in sorted(kinds, key=lambda kind: kind.__name__):
            asking.enter_context(node.asking.setdefault(kind, Lock()))
        _ask(kinds, node)


def _ask(kinds: Iterable[type[Facts]], node: Node) -> None:
    asked_at = node.age
    probes: dict[type[Facts], list[Probe]] = {}
    for kind in kinds:
        if node.has(kind):
            continue
        try:
            probes[kind] = [replace(probe, name=_full(kind, probe)) for probe in kind.probes(node)]
        except (UnknownFact, Unreachable) as error:  # a question that rests on another fact, which is not known
            node.keep(kind(node, _Unanswered(str(error))), asked_at)
    if not probes:
        return
    asked = time.time()
    readings = _answers([probe for each in probes.values() for probe in each], node)
    span = (asked, time.time())
    for kind, each in probes.items():
        facts = kind(node, {probe.name.partition(".")[2]: readings[probe.name] for probe in each})
        facts.span = span
        node.keep(facts, asked_at)


def _full(kind: type[Facts], probe: Probe) -> str:
    return f"{kind.__name__}.{probe.name}"


def _answers(probes: list[Probe], node: Node) -> dict[str, Reading]:
    for probe in probes:
        refuse_changes(probe.command)
    nonces: list[str] = []

    def build(become: Callable[[str], str] | None) -> str:
        script, nonce = build_script(probes, become)
        nonces.append(nonce)
        return script

    out = err = ""
    why_cut = node.trouble or f"{node.name} did not answer in time"
    try:
        if node.trouble is None:
            said = _read(node, build)
            out, err = said.out, said.err
            late = f"{node.name} gave no answer to it within {node.cluster.deadline_s:g} s"
            why_cut = late if said.exit is None else f"{node.name} broke off before it: {err.strip()[-200:]}"
            if said.exit is None and not out:
                # Whoever says nothing at all is not asked again, or each question would hold up all others as long.
                node.trouble = why_cut = HANGS.format(node=node.name, seconds=node.cluster.deadline_s)
    except Unreachable as error:
        node.trouble = why_cut = str(error)
    has_root = node.trouble is not None or node.has_root
    return take_apart(
        probes,
        nonces[-1] if nonces else "-",
        out,
        err,
        has_root=has_root,
        why_cut=why_cut,
        why_no_root="" if has_root else node.why_no_root,
    )


def _read(node: Node, build: Callable[[Callable[[str], str] | None], str]) -> Said:
    try:
        return node.run_script(build, node.cluster.deadline_s)
    except Unreachable as error:
        if node.cluster.locked:
            raise
        node.connection.mend()
        node.cluster.tell(f"{error} We connected once more.")
        return node.run_script(build, node.cluster.deadline_s)


class _Unanswered(dict[str, Reading]):
    """Readings that all say why nothing could be asked."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self._why = why

    def __missing__(self, name: str) -> Reading:
        return Reading("", None, "", "", self._why)
