"""What may go on at several nodes at once does, and each keeps its own verdict, in its own turn."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import CommandFailed
from cluster.inventory_file import parse_inventory
from cluster.node import Node
from engine.change import Change, Changes, RunCommand, together
from engine.check import Together
from engine.turn import at_once
from reports.outcome import Outcome
from tests.engine.judging import Bench, check

PATIENCE_S = 10


@dataclass(eq=False)
class Meeting(RunCommand):
    """A change that ends when as many others are being made, and fails where it is alone."""

    door: threading.Barrier | None = None

    def apply(self) -> None:
        """Wait for the others."""
        assert self.door is not None
        try:
            self.door.wait(PATIENCE_S)
        except threading.BrokenBarrierError:
            raise CommandFailed(f"{self.node.name} was left alone.") from None
        super().apply()


def _judged(bench: Bench, door: threading.Barrier) -> list[tuple[str | None, Outcome, int]]:
    def fix(place: Node | Cluster) -> Iterator[Change]:
        assert isinstance(place, Node)
        yield Meeting(place, f"touch {bench.folder}/{place.name}", undo_command="true", door=door)

    def holds(node: Node) -> None:
        said = node.read(f"test -e {bench.folder}/{node.name} && echo there || echo missing").out.strip()
        bench.compare("==", said, "there")
        assert said == "there", f"nobody made {node.name}"

    one, nodes = check("file", fix=fix, together="workers"), bench.cluster.nodes
    bench.engine.judge_together(one, nodes, holds, None)
    assert bench.engine.verdicts == []
    told = [bench.engine.judge(one, node, lambda: pytest.fail("it was judged already"), None) for node in nodes]
    assert bench.engine.verdicts == told
    return [(verdict.node, verdict.outcome, len(verdict.changes)) for verdict in told]


def test_changes_are_made_at_once_and_told_in_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix", nodes=3)
    assert _judged(bench, threading.Barrier(3)) == [(f"n{number}", Outcome.FIXED, 1) for number in range(3)]
    records = bench.journal.records()
    assert sorted((one.number, one.state) for one in records) == [(1, "done"), (2, "done"), (3, "done")]
    assert {one.node for one in records} == {"n0", "n1", "n2"}


def test_what_holds_already_is_left_alone_and_one_failure_stays_its_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix", nodes=3)
    (tmp_path / "n1").touch()
    door = threading.Barrier(2)
    assert _judged(bench, door) == [("n0", Outcome.FIXED, 1), ("n1", Outcome.PASSED, 0), ("n2", Outcome.FIXED, 1)]
    other = tmp_path / "other"
    other.mkdir()
    bench = Bench(other, "fix", nodes=2)
    (other / "n0").mkdir()
    (other / "n1").symlink_to("/proc/none")
    assert [outcome for _, outcome, _ in _judged(bench, threading.Barrier(1))] == [Outcome.PASSED, Outcome.FIX_FAILED]


def test_expected_and_found_are_those_of_the_node(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix", nodes=2)
    (tmp_path / "n0").touch()
    _judged(bench, threading.Barrier(1))
    assert [verdict.found for verdict in bench.engine.verdicts] == ["there", "missing"]


def test_changes_that_come_together_are_made_at_once_and_on_each_node_in_their_order(tmp_path: Path) -> None:
    bench, door = Bench(tmp_path, "fix", nodes=2), threading.Barrier(2)

    def fix(place: Node | Cluster) -> Changes:
        assert isinstance(place, Node)
        yield together(
            [
                Meeting(node, f"echo first >>{tmp_path}/{node.name}", door=door),
                RunCommand(node, f"echo second >>{tmp_path}/{node.name}"),
            ]
            for node in place.cluster.nodes
        )
        yield RunCommand(place, f"cat {tmp_path}/n0 {tmp_path}/n1 >{tmp_path}/file")

    verdict = bench.judge(check("file", fix=fix))
    assert (verdict.outcome, [one.applied for one in verdict.changes]) == (Outcome.FIXED, [True] * 5)
    assert (tmp_path / "file").read_text() == "first\nsecond\n" * 2


def test_of_changes_that_come_together_one_that_fails_leaves_the_others_and_ends_the_repair(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix", nodes=2)

    def fix(place: Node | Cluster) -> Changes:
        assert isinstance(place, Node)
        wrong, right = place.cluster.nodes
        yield [RunCommand(wrong, "false"), RunCommand(wrong, f"touch {tmp_path}/late"), RunCommand(right, "true")]
        yield RunCommand(place, f"touch {tmp_path}/file")

    verdict = bench.judge(check("file", fix=fix))
    assert verdict.outcome is Outcome.FIX_FAILED
    assert "`false` on n0 failed" in (verdict.cause or "")
    assert [one.applied for one in verdict.changes] == [False, False, True]
    assert sorted((one.node, one.state) for one in bench.journal.records()) == [("n0", "failed"), ("n1", "done")]


def _in_order(folder: Path, rule: Together, wrong: str = "") -> tuple[list[str], list[Outcome]]:
    """Repair three nodes, of which the `wrong` one cannot be, and tell what was done in which order."""
    bench, done = Bench(folder, "fix", nodes=3), []

    def fix(place: Node | Cluster) -> Iterator[Change]:
        assert isinstance(place, Node)
        done.append(f"plan {place.name}")
        made = (
            "false" if place.name == wrong else f"echo make {place.name} >>{folder}/done; touch {folder}/{place.name}"
        )
        yield RunCommand(place, made)

    def holds(node: Node) -> None:
        done.extend((folder / "done").read_text().splitlines() if (folder / "done").exists() else [])
        (folder / "done").unlink(missing_ok=True)
        done.append(f"look {node.name}")
        assert (folder / node.name).exists(), "nobody made it"

    one = check("file", fix=fix, together=rule)
    bench.engine.judge_together(one, bench.cluster.nodes, holds, None)
    told = [bench.engine.judge(one, node, lambda: pytest.fail("judged already"), None) for node in bench.cluster.nodes]
    return done, [verdict.outcome for verdict in told]


LOOK = ["look n0", "look n1", "look n2"]
PLAN = ["plan n0", "plan n1", "plan n2"]


def test_all_are_looked_at_before_the_first_change_and_after_the_last(tmp_path: Path) -> None:
    done, outcomes = _in_order(tmp_path, "nodes")
    assert (done[:3], done[-3:], outcomes) == (LOOK, LOOK, [Outcome.FIXED] * 3)
    assert sorted(done[3:-3]) == ["make n0", "make n1", "make n2", *PLAN]


def test_one_is_repaired_first_and_the_others_when_it_holds_by_a_plan_of_before(tmp_path: Path) -> None:
    done, outcomes = _in_order(tmp_path, "after_one")
    assert done[:8] == [*LOOK, *PLAN, "make n0", "look n0"]
    assert (sorted(done[8:-2]), done[-2:]) == (["make n1", "make n2"], LOOK[1:])
    assert outcomes == [Outcome.FIXED] * 3


def test_where_the_first_does_not_hold_the_next_is_tried_alone_as_well(tmp_path: Path) -> None:
    done, outcomes = _in_order(tmp_path, "after_one", wrong="n0")
    assert done == [*LOOK, *PLAN, "make n1", "look n1", "make n2", "look n2"]
    assert outcomes == [Outcome.FIX_FAILED, Outcome.FIXED, Outcome.FIXED]


@pytest.mark.parametrize(("size", "told"), [(1, "n0"), (2, "n0 and n1"), (4, "all 4 nodes")])
def test_who_is_repaired_is_told_once(tmp_path: Path, size: int, told: str) -> None:
    bench = Bench(tmp_path, "fix", nodes=size)
    lines: list[str] = []
    bench.cluster.tell = lines.append

    def fix(place: Node | Cluster) -> Iterator[Change]:
        assert isinstance(place, Node)
        yield RunCommand(place, "true")

    def holds(node: Node) -> None:
        assert node.name == "", "it never holds"

    bench.engine.judge_together(check("file", fix=fix, together="nodes"), bench.cluster.nodes, holds, None)
    assert lines == [f"{told}: repairing: The file file is there"]


def test_a_plan_that_breaks_is_told_of_its_own_node(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix", nodes=2)

    def fix(place: Node | Cluster) -> Iterator[Change]:
        assert isinstance(place, Node)
        if place.name == "n1":
            raise CommandFailed("n1 cannot be planned.")
        yield RunCommand(place, f"touch {tmp_path}/{place.name}")

    def holds(node: Node) -> None:
        assert (tmp_path / node.name).exists(), "nobody made it"

    one, nodes = check("file", fix=fix, together="after_one"), bench.cluster.nodes
    bench.engine.judge_together(one, nodes, holds, None)
    told = [bench.engine.judge(one, node, lambda: None, None) for node in nodes]
    assert [verdict.outcome for verdict in told] == [Outcome.FIXED, Outcome.FIX_FAILED]
    assert told[1].cause == "n1 cannot be planned."


def test_what_was_judged_with_others_is_not_judged_once_more(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix", nodes=2)
    one, nodes = check("file", together="quorum"), bench.cluster.nodes
    judged: list[Node] = []
    for some in (nodes, nodes[1:]):
        bench.engine.judge_together(one, some, judged.append, None)
    assert sorted(node.name for node in judged) == ["n0", "n1"]


@pytest.mark.parametrize(
    ("rule", "managers", "told"),
    [("nodes", 3, ["a", "b", "c", "d", "e"]), ("workers", 1, ["b", "c", "d", "e"]), ("workers", 3, ["d", "e"])],
)
def test_of_those_that_keep_the_swarm_no_two_are_repaired_at_once_but_for_files(
    rule: Together, managers: int, told: list[str]
) -> None:
    names = ", ".join(f"{{name: {name}}}" for name in "abcde")
    cluster = Cluster(parse_inventory(f"nodes: [{names}]\nmanagers: {managers}\n", "cluster.yaml"))
    assert [node.name for node in at_once(check("one", together=rule), cluster)] == told


def test_what_was_changed_at_once_is_told_also_of_nodes_whose_turn_never_came(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix", nodes=2)
    one, nodes = check("file", fix=bench.make("file"), together="nodes"), bench.cluster.nodes
    bench.engine.judge_together(one, nodes, lambda _node: bench.assert_file("file"), None)
    bench.engine.judge(one, nodes[0], lambda: pytest.fail("it was judged already"), None)
    assert [verdict.node for verdict in bench.engine.finish()] == ["n1"]
    assert [verdict.node for verdict in bench.engine.verdicts] == ["n0", "n1"]
    assert bench.engine.finish() == []
