"""The turn of one check: judged, noted for pytest, and shown."""

from typing import Any

import pytest

from cluster.cluster import Cluster
from cluster.errors import ClusterError
from cluster.facts.base import unnoted
from cluster.node import Node
from engine.check import Check, title_of
from engine.judge import Skip
from engine.outcome import Verdict
from engine.redact import redact
from engine.run import Run
from engine.terminal import Screen

CHECK = pytest.StashKey[Check]()
VERDICT = pytest.StashKey[Verdict]()

_PLAIN = frozenset({"node", "cluster", "request"})
"""What a check may ask for to be plain, with what the fixture `node` asks for in its turn."""
_OF_PHASES = ("xmlpath", "usepdb", "setuponly", "setupplan", "setupshow")
"""What pytest may be asked for that its phases alone can give."""


def is_plain(item: pytest.Function) -> bool:
    """Whether a check asks for its node and the cluster alone, so that it needs none of pytest's phases."""
    asked = any(item.config.getoption(name, default=None) for name in _OF_PHASES)
    return CHECK in item.stash and _PLAIN.issuperset(item.fixturenames) and not asked


def plain_arguments(item: pytest.Function, cluster: Cluster) -> dict[str, Any]:
    """Return what such a check asks for, by the names of its arguments."""
    names = item._fixtureinfo.argnames
    return {name: cluster[str(item.callspec.params["node"])] if name == "node" else cluster for name in names}


def take_turn(item: pytest.Function, run: Run, screen: Screen, arguments: dict[str, Any]) -> None:
    """Judge a check with its arguments, and tell what came of it."""
    check = item.stash[CHECK]
    # Without assertions, which cost more here than all the rest: pytest tells our plugin of each that holds.
    node: Node | None = arguments.get("node")
    _, title = title_of(item.module)
    run.steps[check.step] = title
    screen.step(check.step, title)
    screen.looking_at(check.id, f"{node or 'cluster'}: {check.title}")
    skip = _why_not(check, run)
    if check.together and run.options.mode == "fix":
        _judge_together(item, check, run, arguments, skip)
    _tell(item, run.judge.judge(check, node, lambda: item.obj(**arguments), skip), screen)


def record_broken(item: pytest.Item, run: Run, screen: Screen, call: pytest.CallInfo[None]) -> None:
    """Tell of a check that ended outside of its assertion, by a mistake of ours, so that nobody takes it for judged."""
    assert call.excinfo is not None  # it failed
    place = getattr(getattr(item, "callspec", None), "params", {}).get("node")
    _tell(item, run.judge.record_broken(item.stash[CHECK], place, call.excinfo.value), screen)


def _why_not(check: Check, run: Run) -> Skip:
    """Say why a check does not apply, or why that is not known."""
    try:
        return check.applies(run.context) if check.applies else None
    except ClusterError as error:
        return error


def _tell(item: pytest.Item, verdict: Verdict, screen: Screen) -> None:
    item.stash[VERDICT] = verdict
    item.user_properties += [
        ("id", verdict.id),
        ("node", verdict.node or "cluster"),
        ("outcome", verdict.outcome.value),
        *((name, redact(value)) for name in ("cause", "remedy") if (value := getattr(verdict, name))),
    ]
    screen.verdict(verdict)


def _judge_together(item: pytest.Function, check: Check, run: Run, arguments: dict[str, Any], skip: Skip) -> None:
    """Judge a check at once on all nodes, or workers, that are asked for, when the first of them has its turn."""
    selected = [
        one for one in item.session.items if isinstance(one, pytest.Function) and one.stash.get(CHECK, None) == check
    ]
    names = [one.callspec.params["node"] for one in selected]
    nodes = [node for node in at_once(check, run.cluster) if node.name in names]
    if nodes and arguments["node"] is nodes[0]:
        run.judge.judge_together(check, nodes, lambda node: item.obj(**{**arguments, "node": node}), skip)


def at_once(check: Check, cluster: Cluster) -> list[Node]:
    """List the nodes on which a check may be repaired at once; the others have their turns one by one."""
    match check.together:
        case "workers":
            alone = {entry.name for entry in cluster.inventory.swarm_managers}
        case "quorum":
            # Of those that keep the swarm's state most have to be there at any time.
            alone = {node.name for node in cluster.nodes if _may_keep_the_swarm(node)}
        case _:
            alone = set()
    return [node for node in cluster.nodes if node.name not in alone]


def _may_keep_the_swarm(node: Node) -> bool:
    try:
        with unnoted():
            return node.docker.engine.swarm.is_manager
    except ClusterError:
        return True
