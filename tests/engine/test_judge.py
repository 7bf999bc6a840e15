"""Every check ends in one of eight ways, and each of them is the honest one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import UnknownFact
from cluster.node import Node
from engine.change import Change, Consent, Instruction, RunCommand
from engine.outcome import AppliedLimit
from reports.outcome import Outcome
from tests.engine.judging import Bench, check


def test_what_is_true_has_passed_and_tells_what_it_compared(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check")
    (tmp_path / "a.b").touch()
    verdict = bench.judge(check("a.b"))
    assert (verdict.outcome, verdict.found, verdict.expected) == (Outcome.PASSED, "there", "there")
    assert (verdict.cause, verdict.remedy, verdict.changes) == (None, None, [])


def test_what_is_not_true_has_failed_with_cause_and_remedy(tmp_path: Path) -> None:
    verdict = Bench(tmp_path, "check").judge(check("a.b", remedy="make it"))
    assert (verdict.outcome, verdict.found, verdict.expected) == (Outcome.FAILED, "missing", "there")
    assert (verdict.cause, verdict.remedy) == ("nobody made a.b", "make it")


def test_a_check_tells_what_fix_would_change_and_changes_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check")
    verdict = bench.judge(check("a.b", fix=bench.make("a.b")))
    assert (verdict.outcome, verdict.remedy) == (Outcome.FAILED, "pytest runbook --fix")
    assert [(told.describe, told.applied) for told in verdict.changes] == [(f"n0$ sudo touch {tmp_path}/a.b", False)]
    assert list(tmp_path.iterdir()) == []


def test_what_was_repaired_is_fixed_and_tells_what_was_found_before(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix")
    verdict = bench.judge(check("a.b", fix=bench.make("a.b")))
    assert (verdict.outcome, verdict.found, verdict.expected) == (Outcome.FIXED, "missing", "there")
    assert (verdict.cause, verdict.remedy) == ("nobody made a.b", None)
    assert [told.applied for told in verdict.changes] == [True]
    assert [record.state for record in bench.journal.records()] == ["done"]


def test_what_is_true_is_not_repaired(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix")
    (tmp_path / "a.b").touch()
    assert bench.judge(check("a.b", fix=bench.make("a.b"))).outcome is Outcome.PASSED
    assert not bench.journal.path.exists()


def test_a_repair_that_did_not_help_has_failed_and_can_be_taken_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix")
    verdict = bench.judge(check("a.b", fix=bench.make("another")))
    assert (verdict.outcome, verdict.found) == (Outcome.FIX_FAILED, "missing")
    assert verdict.remedy == "the change was made and did not help; --undo takes it back"
    assert bench.journal.records()[0].to_undo


def test_a_repair_that_could_not_be_made_has_failed_with_its_reason(tmp_path: Path) -> None:
    def fix(node: Node) -> Iterator[Change]:
        yield RunCommand(node, f"touch {tmp_path}/first")
        yield RunCommand(node, "echo no space >&2; exit 1")
        yield RunCommand(node, f"touch {tmp_path}/third")

    verdict = Bench(tmp_path, "fix").judge(check("a.b", fix=fix))
    assert verdict.outcome is Outcome.FIX_FAILED
    assert str(verdict.cause).endswith("failed with exit 1: no space")
    assert [told.applied for told in verdict.changes] == [True, False]
    assert not (tmp_path / "third").exists()


def test_what_cannot_be_read_is_unknown_and_is_not_repaired(tmp_path: Path) -> None:
    def unreadable() -> None:
        raise UnknownFact("sudo asks for a password")

    bench = Bench(tmp_path, "fix")
    verdict = bench.judge(check("a.b", fix=bench.make("a.b")), unreadable)
    assert (verdict.outcome, verdict.cause) == (Outcome.UNKNOWN, "sudo asks for a password")
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_apply_is_skipped_with_the_reason_and_not_asked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix")
    verdict = bench.judge(check("a.b", fix=bench.make("a.b")), skip="a cluster of one node has no fabric")
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "a cluster of one node has no fabric")
    assert list(tmp_path.iterdir()) == []


def test_a_check_may_skip_itself(tmp_path: Path) -> None:
    verdict = Bench(tmp_path, "check").judge(check("a.b"), lambda: pytest.skip("no RDMA device"))
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "no RDMA device")


def test_a_check_that_breaks_is_unknown_and_the_error_is_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix")
    verdict = bench.judge(check("a.b", fix=bench.make("a.b")), lambda: len(5))  # type: ignore[arg-type]  # that breaks
    assert verdict.outcome is Outcome.UNKNOWN
    assert str(verdict.cause).startswith("the check itself broke (TypeError: ")
    assert "Traceback" in bench.engine.broken[0]
    assert bench.judge(check("c.d")).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("mode", "outcome"), [("check", Outcome.FAILED), ("plan", Outcome.FAILED), ("fix", Outcome.FIX_FAILED)]
)
def test_a_fixer_that_breaks_is_told_and_the_error_is_kept(tmp_path: Path, mode: str, outcome: Outcome) -> None:
    def fix(_: Node) -> Iterator[Change]:
        settings: dict[str, list[Change]] = {}
        yield from settings["daemon.json"]

    bench = Bench(tmp_path, mode)
    verdict = bench.judge(check("a.b", fix=fix))
    assert verdict.outcome is outcome
    assert str(verdict.cause).startswith("the fixer itself broke (KeyError: 'daemon.json')")
    assert "Traceback" in bench.engine.broken[0]


@pytest.mark.parametrize("mode", ["check", "plan", "fix"])
def test_a_fixer_that_has_nothing_to_offer_leaves_the_check_failed(tmp_path: Path, mode: str) -> None:
    def fix(_: Node) -> Iterator[Change]:
        yield from ()

    verdict = Bench(tmp_path, mode).judge(check("a.b", fix=fix, remedy="look into it"))
    assert (verdict.outcome, verdict.changes, verdict.remedy) == (Outcome.FAILED, [], "look into it")


@pytest.mark.parametrize("mode", ["check", "plan", "fix"])
def test_what_only_a_person_can_do_is_told_and_nothing_after_it_is_done(tmp_path: Path, mode: str) -> None:
    def fix(node: Node) -> Iterator[Change]:
        yield Instruction(node, "plug the cable in")
        yield RunCommand(node, f"touch {tmp_path}/a.b")

    verdict = Bench(tmp_path, mode).judge(check("a.b", fix=fix))
    assert (verdict.outcome, verdict.remedy) == (Outcome.FAILED, "plug the cable in")
    assert list(tmp_path.iterdir()) == []


def test_what_interrupts_is_done_only_where_it_was_allowed(tmp_path: Path) -> None:
    def fix(node: Node) -> Iterator[Change]:
        yield RunCommand(node, f"touch {tmp_path}/a.b", consent=Consent("restart-docker", "a container"))

    verdict = Bench(tmp_path, "fix").judge(check("a.b", fix=fix))
    assert verdict.outcome is Outcome.FAILED
    assert "--allow restart-docker" in str(verdict.remedy)
    assert [(told.risk, told.applied) for told in verdict.changes] == [("disruptive", False)]
    allowed = Bench(tmp_path, "fix", allowed=frozenset({"restart-docker"}))
    assert allowed.judge(check("a.b", fix=fix)).outcome is Outcome.FIXED


def test_after_a_change_the_node_is_asked_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "fix")
    node = bench.cluster.manager
    before = node.machine

    def assertion() -> None:
        assert node.machine is not before, "the old answer"

    assert bench.judge(check("a.b", fix=bench.make("a.b")), assertion).outcome is Outcome.FIXED


def test_a_verdict_shows_what_it_rests_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check", nodes=2)
    nodes = bench.cluster.nodes

    def assertion() -> None:
        assert nodes[0].machine.kernel == nodes[1].machine.kernel

    on_one, on_all = bench.judge(check("a.b"), assertion), bench.judge(check("c.d"), assertion, node=None)
    assert [one.command for one in on_one.evidence] == ["uname -r"]
    assert [one.command for one in on_all.evidence] == ["uname -r", "uname -r"]
    assert on_one.evidence[0].output.strip() == nodes[0].machine.kernel


def assert_temperature(bench: Bench, found: float) -> None:
    limit = bench.cluster.inventory.thresholds.gpu_temperature_c
    bench.compare("<=", found, limit)
    assert found <= limit, "it is hot"


@pytest.mark.parametrize(("found", "outcome", "margin"), [(80, Outcome.PASSED, 5), (91.5, Outcome.FAILED, -6.5)])
def test_a_limit_is_told_with_its_source_and_what_was_to_spare(
    tmp_path: Path, found: float, outcome: Outcome, margin: float
) -> None:
    bench = Bench(tmp_path, "check")
    verdict = bench.judge(
        check("gpu.cool", threshold="gpu_temperature_c"), lambda: assert_temperature(bench, found), node=0
    )
    assert verdict.outcome is outcome
    expected = AppliedLimit("gpu_temperature_c", 85, "at most", "°C", "NVIDIA ISV validation suite", margin)
    assert verdict.threshold == expected


def test_a_check_that_only_warns_passes_and_says_why_it_does_not_hold(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check")
    verdict = bench.judge(check("gpu.cool", warns=True, remedy="dust it"), lambda: assert_temperature(bench, 99))
    assert (verdict.outcome, verdict.warning, verdict.cause) == (Outcome.PASSED, "it is hot", None)
    assert (verdict.found, verdict.remedy) == ("99", "dust it")
    fine = bench.judge(check("gpu.cool", warns=True), lambda: assert_temperature(bench, 40))
    assert (fine.outcome, fine.warning) == (Outcome.PASSED, None)


def test_a_change_that_cannot_be_told_does_not_hide_the_cause(tmp_path: Path) -> None:
    def fix(_: Node) -> Iterator[Change]:
        raise UnknownFact("daemon.json cannot be read")
        yield

    verdict = Bench(tmp_path, "check").judge(check("a.b", fix=fix))
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, "nobody made a.b")
    assert verdict.remedy == "what --fix would change cannot be told: daemon.json cannot be read"


@pytest.mark.parametrize(("due", "outcome", "planned"), [(("a.b",), Outcome.WOULD_FIX, 1), ((), Outcome.PASSED, 0)])
def test_a_repair_that_is_due_after_a_planned_change_is_planned_as_well(
    tmp_path: Path, due: tuple[str, ...], outcome: Outcome, planned: int
) -> None:
    bench = Bench(tmp_path, "plan")
    assert bench.judge(check("a.b", fix=bench.make("a.b"))).outcome is Outcome.WOULD_FIX
    (tmp_path / "c.d").touch()
    verdict = bench.judge(check("c.d", fix=bench.make("c.d"), needs=("a.b",), due_after=due))
    assert (verdict.outcome, len(verdict.changes)) == (outcome, planned)
    assert (verdict.found is None) == bool(due)


def test_what_comes_to_hold_by_itself_is_waited_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "check")

    def settles(_: Cluster) -> str:
        (tmp_path / "a.b").touch()
        return "it is being made"

    verdict = bench.judge(check("a.b", settles=settles))
    assert (verdict.outcome, verdict.found, verdict.cause) == (Outcome.PASSED, "there", None)


def test_what_does_not_come_by_itself_fails_when_there_is_nothing_left_to_wait_for(tmp_path: Path) -> None:
    reasons = ["it is being made", None]
    verdict = Bench(tmp_path, "check").judge(check("a.b", settles=lambda _: reasons.pop(0)))
    assert (verdict.outcome, verdict.cause, reasons) == (Outcome.FAILED, "nobody made a.b", [])


def test_facts_that_did_not_fit_together_are_read_once_more(tmp_path: Path) -> None:
    bench, looks = Bench(tmp_path, "check"), iter([False, True])

    def assertion() -> None:
        if not next(looks):
            raise UnknownFact("the container ended while it was asked")

    verdict = bench.judge(check("a.b", settles=lambda _: None), assertion)
    assert (verdict.outcome, verdict.cause) == (Outcome.PASSED, None)


def test_who_cannot_say_whether_it_comes_by_itself_is_not_waited_for(tmp_path: Path) -> None:
    def settles(_: Cluster) -> str:
        raise UnknownFact("docker does not say since when it is up")

    verdict = Bench(tmp_path, "check").judge(check("a.b", settles=settles))
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, "nobody made a.b")


def test_a_plan_does_not_wait_for_what_rests_on_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "plan")
    bench.judge(check("a.b", fix=bench.make("a.b")))
    verdict = bench.judge(check("c.d", needs=("a.b",), settles=lambda _: pytest.fail("it was asked whether to wait")))
    assert (verdict.outcome, verdict.pending) == (Outcome.BLOCKED, True)


def test_what_takes_nothing_beyond_what_is_planned_follows_from_that(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "plan")
    first = bench.judge(check("a.b", fix=bench.make("a.b")))
    same = bench.judge(check("c.d", fix=bench.make("a.b"), needs=("a.b",)))
    assert (same.outcome, same.changes, same.follows_from) == (Outcome.WOULD_FIX, [], [first.place])
    more = bench.judge(check("e.f", fix=bench.make("e.f"), needs=("a.b",)))
    assert (more.outcome, len(more.changes), more.follows_from) == (Outcome.WOULD_FIX, 1, [])
