"""What a plan shows: each change once, and by name where another node gets the same."""

import pytest

from engine.outcome import ChangeTold, Outcome, Verdict
from engine.terminal import Screen


def _planned(node: str, *changes: str) -> Verdict:
    told = [ChangeTold(change, "safe", applied=False) for change in changes]
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
