"""Carrier follows cables and power."""

from lab.addresses import MANAGEMENT
from lab.cables import Cables

CABLED, DARK = "enp1s0f1np1", "enp1s0f0np0"


def powered(nodes: int) -> Cables:
    cables = Cables.new(nodes)
    cables.powered = set(range(1, nodes + 1))
    return cables


def test_two_nodes_are_cabled_in_port_one_alone() -> None:
    cables = powered(2)
    assert cables.carrier(1, CABLED)
    assert cables.carrier(2, "enP2p1s0f1np1")
    assert not cables.carrier(1, DARK)


def test_a_pulled_cable_is_dark_at_both_ends() -> None:
    cables = powered(2)
    cables.plugged.discard((1, CABLED))
    assert not cables.carrier(1, CABLED)
    assert not cables.carrier(2, CABLED)


def test_a_direct_cable_is_dark_while_the_peer_is_off() -> None:
    cables = powered(2)
    cables.powered.discard(2)
    assert not cables.carrier(1, CABLED)


def test_a_cable_can_move_to_the_other_port() -> None:
    cables = powered(2)
    cables.plugged |= {(1, DARK), (2, DARK)}
    assert cables.carrier(1, DARK)


def test_a_switch_gives_carrier_whatever_the_others_do() -> None:
    cables = powered(3)
    cables.powered = {1}
    assert cables.carrier(1, CABLED)
    assert not cables.carrier(2, CABLED)


def test_pulling_one_cable_of_a_switch_leaves_the_others() -> None:
    cables = powered(3)
    cables.plugged.discard((1, CABLED))
    assert not cables.carrier(1, CABLED)
    assert cables.carrier(2, CABLED)


def test_management_is_a_switch_even_between_two() -> None:
    cables = powered(2)
    cables.powered.discard(2)
    assert cables.carrier(1, MANAGEMENT)
    assert not cables.carrier(2, MANAGEMENT)


def test_a_lone_node_has_nobody_at_the_other_end() -> None:
    assert not powered(1).carrier(1, CABLED)
