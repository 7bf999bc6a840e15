"""Checks rest on each other: what stands in the way is told instead of a result that means nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.node import Node
from engine.change import Change, Consent, RunCommand, WriteFile
from engine.diagnosis import diagnose
from reports.outcome import Outcome
from tests.engine.judging import Bench, check


def _fail() -> None:
    raise AssertionError


def _unknown() -> None:
    raise UnknownFact("nobody knows")


def _hold() -> None:
    return


def test_a_check_is_blocked_by_what_it_needs_on_its_own_node_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check", nodes=2)
    bench.judge(check("one.fact"), _fail, node=0)
    bench.judge(check("one.fact"), _hold, node=1)
    blocked = bench.judge(check("two.fact", needs=("one.fact",)), _hold, node=0)
    assert (blocked.outcome, blocked.blocked_by) == (Outcome.BLOCKED, ["one.fact"])
    assert blocked.cause == "not judged until this holds on n0: the file one.fact is there"
    assert bench.judge(check("two.fact", needs=("one.fact",)), _hold, node=1).outcome is Outcome.PASSED


def test_a_check_of_the_cluster_is_blocked_by_any_node(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check", nodes=2)
    bench.judge(check("one.fact"), _hold, node=0)
    bench.judge(check("one.fact"), _fail, node=1)
    assert bench.judge(check("two.fact", needs=("one.fact",)), _hold, node=None).outcome is Outcome.BLOCKED


def test_a_node_is_blocked_by_what_it_needs_of_the_cluster_and_of_every_node(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check", nodes=2)
    bench.judge(check("one.fact"), _fail, node=None)
    bench.judge(check("two.fact"), _fail, node=1)
    assert bench.judge(check("three.fact", needs=("one.fact",)), _hold, node=0).outcome is Outcome.BLOCKED
    everywhere = check("four.fact", needs_everywhere=("two.fact",))
    assert bench.judge(everywhere, _hold, node=0).outcome is Outcome.BLOCKED


@pytest.mark.parametrize("first", [_fail, _unknown])
def test_what_is_blocked_blocks_what_needs_it(tmp_path: Path, first: object) -> None:
    assert callable(first)
    bench = Bench(tmp_path, "check")
    bench.judge(check("one.fact"), first)
    bench.judge(check("two.fact", needs=("one.fact",)), _hold)
    last = bench.judge(check("three.fact", needs=("two.fact",)), _hold)
    assert (last.outcome, last.blocked_by) == (Outcome.BLOCKED, ["two.fact"])


def test_what_was_skipped_or_fixed_or_never_run_blocks_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix")
    bench.judge(check("one.fact"), skip="does not apply")
    assert bench.judge(check("two.fact", fix=bench.make("two.fact"))).outcome is Outcome.FIXED
    needs = ("one.fact", "two.fact", "deselected.fact")
    assert bench.judge(check("three.fact", needs=needs), _hold).outcome is Outcome.PASSED


def test_in_a_plan_what_rests_on_a_planned_change_is_planned_or_put_off(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "plan")
    one = bench.judge(check("one.fact", fix=bench.make("one.fact")))
    assert (one.outcome, one.pending, one.remedy) == (Outcome.WOULD_FIX, True, "pytest runbook --fix")
    two = bench.judge(check("two.fact", fix=bench.make("two.fact"), needs=("one.fact",)))
    assert two.outcome is Outcome.WOULD_FIX
    three = bench.judge(check("three.fact", needs=("one.fact",)), _fail)
    assert (three.outcome, three.blocked_by) == (Outcome.BLOCKED, ["one.fact"])
    assert three.cause == "it can be judged when the changes planned before it are made"
    four = bench.judge(check("four.fact", needs=("three.fact",)), _unknown)
    assert (four.outcome, four.blocked_by) == (Outcome.BLOCKED, ["three.fact"])
    assert list(tmp_path.iterdir()) == []


def test_in_a_plan_an_unknown_that_rests_on_a_planned_change_is_planned_where_a_fixer_knows_how(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, "plan")
    bench.judge(check("one.fact", fix=bench.make("one.fact")))
    two = bench.judge(check("two.fact", fix=bench.make("two.fact"), needs=("one.fact",)), _unknown)
    assert two.outcome is Outcome.WOULD_FIX
    assert [told.describe for told in two.changes] == [f"n0$ sudo touch {tmp_path}/two.fact"]


def test_in_a_plan_what_has_no_change_of_its_own_waits_for_what_is_planned(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "plan")
    bench.judge(check("one.fact", fix=bench.make("one.fact")))
    two = bench.judge(check("two.fact", fix=lambda _: iter(()), needs=("one.fact",)), _fail)
    assert (two.outcome, two.changes, two.blocked_by) == (Outcome.BLOCKED, [], ["one.fact"])


def test_in_a_plan_what_holds_already_has_passed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "plan")
    bench.judge(check("one.fact", fix=bench.make("one.fact")))
    assert bench.judge(check("two.fact", needs=("one.fact",)), _hold).outcome is Outcome.PASSED


def test_in_a_plan_one_change_is_told_once_and_still_mends_both_checks(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "plan")
    first = bench.judge(check("one.fact", fix=bench.make("shared")))
    second = bench.judge(check("two.fact", fix=bench.make("shared")))
    assert (len(first.changes), len(second.changes)) == (1, 0)
    assert (first.outcome, second.outcome) == (Outcome.WOULD_FIX, Outcome.WOULD_FIX)


def test_in_a_plan_a_later_diff_stands_on_the_earlier_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "plan")
    path = str(tmp_path / "file")
    bench.judge(check("one.fact", fix=lambda node: iter([WriteFile(node, path, b"one\n")])), _fail)
    second = bench.judge(check("two.fact", fix=lambda node: iter([WriteFile(node, path, b"one\ntwo\n")])), _fail)
    told = second.changes[0].describe.splitlines()
    assert "+two" in told
    assert "+one" not in told
    assert not Path(path).exists()


def test_a_node_that_does_not_answer_is_unknown_once_and_blocks_everything_after(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix", nodes=2)
    bench.cluster.nodes[1].trouble = "n1 did not answer within 10 s"
    first = bench.judge(check("ssh.reachable"), _hold, node=1)
    second = bench.judge(check("two.fact", fix=bench.make("x")), _hold, node=1)
    of_all = bench.judge(check("three.fact"), _hold, node=None)
    assert (first.outcome, first.cause) == (Outcome.UNKNOWN, "n1 did not answer within 10 s")
    assert [second.outcome, of_all.outcome] == [Outcome.BLOCKED, Outcome.BLOCKED]
    assert second.blocked_by == of_all.blocked_by == ["ssh.reachable"]
    assert bench.judge(check("two.fact"), _hold, node=0).outcome is Outcome.PASSED


def test_of_two_nodes_that_are_silent_for_one_reason_none_follows_from_the_other(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check", nodes=2)
    for node in bench.cluster.nodes:
        node.trouble = "your key has a passphrase"
    verdicts = [bench.judge(check("one.fact"), _hold, node=number) for number in (0, 1)]
    assert [verdict.outcome for verdict in verdicts] == [Outcome.UNKNOWN] * 2
    assert [verdict.follows_from for verdict in verdicts] == [[], []]


def test_a_node_that_goes_away_while_it_is_asked_is_unknown_and_blocks_what_comes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check")

    def goes_away() -> None:
        bench.cluster.manager.trouble = "n0 stopped answering"
        raise UnknownFact("n0 stopped answering")

    assert bench.judge(check("one.fact"), goes_away).outcome is Outcome.UNKNOWN
    assert bench.judge(check("two.fact"), _hold).outcome is Outcome.BLOCKED


def test_what_was_judged_before_a_node_went_silent_explains_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check", nodes=2)
    assert bench.judge(check("ssh.reachable"), _hold, node=1).outcome is Outcome.PASSED
    bench.cluster.nodes[1].trouble = "n1 stopped answering"
    first = bench.judge(check("two.fact"), _hold, node=None)
    later = [bench.judge(check(name), _hold, node=1) for name in ("three.fact", "four.fact")]
    assert (first.outcome, first.cause) == (Outcome.UNKNOWN, "n1 stopped answering")
    assert [one.blocked_by for one in later] == [["two.fact"], ["two.fact"]]
    assert [cause.id for cause in diagnose([first, *later])] == ["two.fact"]


def test_what_rests_on_a_refused_change_is_blocked_in_a_plan_as_it_would_be_in_a_repair(tmp_path: Path) -> None:
    outcomes = {}
    for mode in ("plan", "fix"):
        (folder := tmp_path / mode).mkdir()
        bench = Bench(folder, mode)

        def asks(place: Node | Cluster, folder: Path = folder) -> Iterator[Change]:
            assert isinstance(place, Node)
            yield RunCommand(place, f"touch {folder}/b", consent=Consent("leave-swarm", "it leaves"))

        chain = [
            check("a", fix=bench.make("a")),
            check("b", fix=asks, needs=("a",)),
            check("c", fix=bench.make("c"), needs=("b",)),
        ]
        outcomes[mode] = [bench.judge(one).outcome for one in chain]
    assert outcomes["plan"] == [Outcome.WOULD_FIX, Outcome.FAILED, Outcome.BLOCKED]
    assert outcomes["fix"] == [Outcome.FIXED, Outcome.FAILED, Outcome.BLOCKED]
