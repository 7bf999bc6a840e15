"""What the screen shows: nodes side by side where they came to the same, and each change once."""

import os
import pty
import re

import pytest

from engine.outcome import ReportedChange, Verdict
from engine.terminal import Screen
from reports.outcome import Outcome


def _planned(node: str, *changes: str) -> Verdict:
    told = [ReportedChange(change, "safe", applied=False) for change in changes]
    return Verdict("docker.enabled", 2, "Docker starts at boot", node, Outcome.WOULD_FIX, changes=told)


def _shown(capfd: pytest.CaptureFixture[str], *verdicts: Verdict) -> str:
    screen = Screen(verbose=False, quiet=False)
    for verdict in verdicts:
        screen.verdict(verdict)
    screen.close()
    return capfd.readouterr().out


def test_nodes_that_get_the_same_are_told_so_once(capfd: pytest.CaptureFixture[str]) -> None:
    commands = [_planned(name, f"{name}$ sudo systemctl enable docker.service") for name in ("spark-1", "spark-2")]
    shown = _shown(capfd, *commands)
    assert shown.count("systemctl enable docker.service") == 1
    assert "the same as on spark-1" in shown


def test_files_are_the_same_but_for_the_name_of_their_node(capfd: pytest.CaptureFixture[str]) -> None:
    diffs = [
        _planned(name, f"--- {name}:/dev/null\n+++ {name}:/etc/docker/daemon.json\n@@ -0,0 +1 @@\n+{{}}")
        for name in ("spark-1", "spark-2")
    ]
    assert _shown(capfd, *diffs).count("+++") == 1


def test_nodes_that_get_something_else_are_told_it(capfd: pytest.CaptureFixture[str]) -> None:
    shown = _shown(
        capfd, _planned("spark-1", "spark-1$ ip link set a up"), _planned("spark-2", "spark-2$ ip link set b up")
    )
    assert "ip link set b up" in shown
    assert "the same" not in shown


def _judged(
    node: str, outcome: Outcome = Outcome.PASSED, cause: str | None = None, found: str | None = None
) -> Verdict:
    return Verdict("docker.enabled", 2, "Docker starts at boot", node, outcome, cause=cause, found=found)


def _lines(capfd: pytest.CaptureFixture[str], verdicts: list[Verdict], *, verbose: bool = False) -> list[str]:
    screen = Screen(verbose=verbose, quiet=False)
    screen.head("check", "lab", [f"spark-{number}" for number in range(1, 6)], [])
    for verdict in verdicts:
        screen.looking_at(verdict.id, "now")
        screen.verdict(verdict)
    screen.close()
    return [line.rstrip() for line in capfd.readouterr().out.splitlines()[1:]]


def test_nodes_that_came_to_the_same_share_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    lines = _lines(capfd, [_judged(f"spark-{number}") for number in range(1, 6)])
    assert lines == ["  ✓ passed     all nodes    Docker starts at boot"]


def test_one_that_fails_is_named_beside_those_that_are_well(capfd: pytest.CaptureFixture[str]) -> None:
    bad = _judged("spark-3", Outcome.FAILED, "it was disabled", "disabled")
    lines = _lines(capfd, [_judged(f"spark-{n}") if n != 3 else bad for n in range(1, 6)])
    assert lines == [
        "  ✓ passed     4 nodes      Docker starts at boot",
        "  ✗ FAILED     spark-3      Docker starts at boot",
        "      found    disabled",
        "      why      it was disabled",
    ]


def test_nodes_that_fail_alike_are_all_named(capfd: pytest.CaptureFixture[str]) -> None:
    lines = _lines(capfd, [_judged(f"spark-{n}", Outcome.FAILED, "it was disabled") for n in range(1, 5)])
    assert lines[0] == "  ✗ FAILED     spark-1, spark-2, spark-3, spark-4 Docker starts at boot"
    assert len(lines) == 2


def test_nodes_that_fail_alike_share_a_line_though_the_reason_names_each(capfd: pytest.CaptureFixture[str]) -> None:
    verdicts = [_judged(f"spark-{n}", Outcome.FAILED, f"spark-{n} gave no answer") for n in range(1, 4)]
    assert [line.strip() for line in _lines(capfd, verdicts)[1:]] == ["why      the node gave no answer"]
    alone = _lines(capfd, verdicts[:1])
    assert alone[-1].strip() == "why      spark-1 gave no answer"


def test_nodes_that_fail_for_different_reasons_have_lines_of_their_own(capfd: pytest.CaptureFixture[str]) -> None:
    lines = _lines(capfd, [_judged("spark-1", Outcome.FAILED, "one"), _judged("spark-2", Outcome.FAILED, "two")])
    assert [line.split()[-1] for line in lines if "why" in line] == ["one", "two"]


def test_each_node_has_its_time_where_that_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    lines = _lines(capfd, [_judged(f"spark-{number}") for number in range(1, 4)], verbose=True)
    assert [line.split()[2] for line in lines] == ["spark-1", "spark-2", "spark-3"]


def test_what_waits_on_several_nodes_shares_a_line_whatever_was_found_there(capfd: pytest.CaptureFixture[str]) -> None:
    verdicts = [_judged(f"spark-{n}", Outcome.BLOCKED, "the same", f"found {n}") for n in range(1, 6)]
    assert [line.split()[2:4] for line in _lines(capfd, verdicts)] == [["all", "nodes"]]


def test_a_planned_repair_without_changes_of_its_own_is_told_once_and_points_nowhere(
    capfd: pytest.CaptureFixture[str],
) -> None:
    lines = _lines(capfd, [_judged(f"spark-{n}", Outcome.WOULD_FIX, "not yet", "nothing") for n in range(1, 6)])
    assert [line.strip() for line in lines] == [
        "△ WOULD FIX  all nodes    Docker starts at boot",
        "found    nothing",
        "why      not yet",
    ]


def test_what_was_taken_back_is_told_change_by_change(capfd: pytest.CaptureFixture[str]) -> None:
    verdicts = [
        Verdict("gpu.offered", 4, f"Taken back: {node}:{path}", node, Outcome.FIXED)
        for node, path in (("spark-2", "/a"), ("spark-2", "/b"), ("spark-1", "/a"))
    ]
    assert [line.split()[2:] for line in _lines(capfd, verdicts)] == [
        ["spark-2", "Taken", "back:", "spark-2:/a"],
        ["spark-2", "Taken", "back:", "spark-2:/b"],
        ["spark-1", "Taken", "back:", "spark-1:/a"],
    ]


def _waiting(check: str, *needs: str, node: str | None = None) -> Verdict:
    return Verdict(check, 5, "It holds", node, Outcome.BLOCKED, blocked_by=list(needs))


def test_what_nobody_can_act_on_is_told_in_one_line_with_what_it_waits_for(capfd: pytest.CaptureFixture[str]) -> None:
    verdicts = [
        _waiting("swarm.begun", "docker.usable"),
        _waiting("swarm.joined", "swarm.begun", node="spark-2"),
        _waiting("swarm.distinct", "swarm.begun", "docker.usable"),
    ]
    assert _lines(capfd, verdicts) == [
        "  ■ blocked    cluster      swarm.begun, swarm.distinct  (until docker.usable)",
        "  ■ blocked    spark-2      swarm.joined  (until swarm.begun)",
    ]
    told = _lines(capfd, verdicts, verbose=True)
    assert len(told) == 3
    assert "It holds" in told[0]


def _read_until(parent: int, last: str) -> str:
    """Read a terminal up to its last words: one read gives what has arrived by then, not all that was written."""
    shown = ""
    while last not in shown:
        shown += os.read(parent, 10_000).decode()
    return shown


def test_a_narrow_terminal_breaks_lines_between_words_but_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    parent, child = pty.openpty()
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(child, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        screen = Screen(verbose=False, quiet=False)
        failed = _judged(
            "spark-1", Outcome.FAILED, "a cause that takes more room than is left of a line of sixty columns"
        )
        failed.remedy = "pytest runbook --inventory=/somewhere/far/away/cluster.yaml --fix --allow restart-docker"
        screen.verdict(failed)
        told = "Why:     spark-1: does not hold: a title that takes more room than is left"
        screen.end("NOT READY", good=False, lines=[told, f"Undo:    {failed.remedy}"])
        print("the end", file=terminal, flush=True)
        shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", _read_until(parent, "the end")).replace("\r", "")
    os.close(parent)
    assert "      why      a cause that takes more room than is left of" in shown
    assert "\n               a line of sixty columns" in shown
    assert "\nWhy:     spark-1: does not hold: a title that takes more" in shown
    assert "\n         room than is left" in shown
    assert f"Undo:    {failed.remedy}" in shown


def test_progress_is_a_line_wherever_nothing_can_be_animated(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    screen = Screen(verbose=False, quiet=False)
    screen.working("connecting")
    screen.progress("training step 3 of 100")
    screen.close()
    assert capfd.readouterr().out.splitlines() == ["  … training step 3 of 100"]
