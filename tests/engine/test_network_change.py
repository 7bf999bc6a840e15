"""A network change is confirmed when it holds: the node lets us in, and has its addresses, which both take seconds."""

from collections.abc import Callable
from ipaddress import IPv4Interface
from pathlib import Path
from shlex import quote

import pytest

from cluster.errors import CommandFailed, Unreachable
from cluster.node import Node
from engine import dead_man, network_change
from engine.network_change import WriteNetplan

PORT = "enp1s0f1np1"
ADDRESS = IPv4Interface("192.168.100.1/24")


@pytest.fixture
def set_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: Callable[[str, str], None]
) -> Callable[[float], None]:
    """Let `netplan apply` return at once and the address be there some seconds later, as under NetworkManager."""
    told = tmp_path / "told"
    told.write_text("", encoding="utf-8")

    def set_after(seconds: float) -> None:
        line = f"3: {PORT}    inet {ADDRESS} brd 192.168.100.255 scope global {PORT}"
        stand_in("netplan", f"#!/bin/sh\n(sleep {seconds}; echo '{line}' >{told}) >/dev/null 2>&1 </dev/null &\n")
        stand_in("ip", f"#!/bin/sh\ncat {told}\n")

    monkeypatch.setattr(Node, "_as_root", lambda _, command: f"/bin/sh -c {quote(command)}")
    monkeypatch.setattr(dead_man, "arm", lambda *_: None)
    return set_after


def _change(node: Node, folder: Path) -> WriteNetplan:
    return WriteNetplan(node, str(folder / "60.yaml"), b"network: {}\n", root=False, awaited={PORT: ADDRESS})


@pytest.fixture
def confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the node had when the change was confirmed."""
    seen: list[str] = []
    monkeypatch.setattr(dead_man, "disarm", lambda _: seen.append((tmp_path / "told").read_text(encoding="utf-8")))
    return seen


def test_it_is_confirmed_when_the_addresses_are_there(
    here: Node, tmp_path: Path, set_after: Callable[[float], None], confirmed: list[str]
) -> None:
    set_after(1)
    with here.changes_allowed():
        _change(here, tmp_path).apply()
    assert [str(ADDRESS) in told for told in confirmed] == [True]


def test_addresses_that_never_come_are_left_to_the_check(
    here: Node,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    set_after: Callable[[float], None],
    confirmed: list[str],
) -> None:
    monkeypatch.setattr(network_change, "ADDRESS_PATIENCE_S", 1)
    set_after(3)
    with here.changes_allowed():
        _change(here, tmp_path).apply()
    assert confirmed == [""]


def test_a_node_that_lets_us_in_a_little_later_is_waited_for(
    here: Node,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    set_after: Callable[[float], None],
    confirmed: list[str],
) -> None:
    away = [True, True]
    reconnect = here.reconnect

    def comes_back() -> None:
        if away:
            away.pop()
            raise Unreachable("no route to host")
        reconnect()

    set_after(0)
    monkeypatch.setattr(here, "reconnect", comes_back)
    with here.changes_allowed():
        _change(here, tmp_path).apply()
    assert len(confirmed) == 1


def test_a_file_that_somebody_edits_meanwhile_is_not_put_back_later(
    here: Node, tmp_path: Path, set_after: Callable[[float], None], confirmed: list[str]
) -> None:
    set_after(0)
    change = _change(here, tmp_path)
    assert change.before.content is None
    (tmp_path / "60.yaml").write_text("# mine\n", encoding="utf-8")
    with here.changes_allowed(), pytest.raises(CommandFailed, match="edited meanwhile"):
        change.apply()
    assert len(confirmed) == 1


def test_a_node_that_stays_away_goes_back(
    here: Node,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    set_after: Callable[[float], None],
    confirmed: list[str],
) -> None:
    def stays_away() -> None:
        raise Unreachable("no route to host")

    set_after(0)
    monkeypatch.setattr(dead_man, "PATIENCE_S", 1)
    monkeypatch.setattr(dead_man, "wait_until_struck", lambda _: None)
    monkeypatch.setattr(here, "reconnect", stays_away)
    with here.changes_allowed(), pytest.raises(CommandFailed, match="put the old one back"):
        _change(here, tmp_path).apply()
    assert confirmed == []
