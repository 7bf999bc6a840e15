"""The way back of a network change is waited for, and not for ever."""

import pytest

from cluster.errors import CommandFailed, Unreachable
from cluster.node import Node
from engine import dead_man


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_man, "PATIENCE_S", -14)


def test_a_node_that_has_its_old_network_back_is_waited_for_no_longer(
    here: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_man, "_is_armed", lambda _: False)
    assert dead_man.wait_until_struck(here) is None


def test_a_way_back_that_hangs_is_told_of(here: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_man, "_is_armed", lambda _: True)
    assert "has not come to its end: look at `systemctl status" in str(dead_man.wait_until_struck(here))
    with pytest.raises(CommandFailed, match="has not got its network back since an earlier run changed it: /run"):
        dead_man.take_back_unconfirmed(here)


def test_a_node_that_stays_away_is_told_of(here: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def stays_away() -> None:
        raise Unreachable("it is gone")

    monkeypatch.setattr(here, "reconnect", stays_away)
    assert dead_man.wait_until_struck(here) == "it is gone"
