"""Addresses that are right stay, those that are not are planned, and what is planned once stays planned."""

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.fabric import FabricPlan, plan_fabric
from cluster.facts.network import Link
from cluster.inventory import Fabric

PORTS = ("enp1s0f0np0", "enP2p1s0f0np0")


@dataclass(frozen=True)
class Seen:
    """What one node says of its interfaces."""

    links: dict[str, Link]
    ports: dict[str, bool]


def _node(*, up: tuple[str, ...] = PORTS, **addresses: str) -> Seen:
    """A node with both ports cabled; keywords are the addresses by interface, several apart by a space."""
    names = {*PORTS, *addresses}
    links = {
        name: Link(
            name=name,
            up=True,
            mtu=1500,
            addresses=tuple(IPv4Interface(one) for one in addresses.get(name, "").split()),
        )
        for name in names
    }
    return Seen(links, {name: name in up for name in PORTS})


def _plan(nodes: dict[str, Seen], wanted: Fabric | None = None, size: int | None = None) -> FabricPlan:
    ranks = [f"n{number}" for number in range(size or len(nodes))]
    return plan_fabric(nodes, wanted or Fabric(), ranks)


def _told(plan: FabricPlan, interface: str = PORTS[0]) -> list[str]:
    return [str(addresses[interface]) for addresses in plan.addresses.values()]


def _after(plan: FabricPlan, nodes: dict[str, Seen]) -> dict[str, Seen]:
    """The nodes as they are once the plan is made true."""
    changed = {}
    for name, seen in nodes.items():
        links = {
            one.name: one.model_copy(update={"addresses": (plan.addresses[name][one.name],)})
            if one.name in plan.addresses[name]
            else one
            for one in seen.links.values()
        }
        changed[name] = Seen(links, seen.ports)
    return changed


def test_bare_nodes_are_numbered_by_rank_in_a_subnet_for_each_interface() -> None:
    plan = _plan({"n0": _node(), "n1": _node()})
    assert plan.interfaces == ("enp1s0f0np0", "enP2p1s0f0np0")
    assert _told(plan, PORTS[0]) == ["192.168.100.1/24", "192.168.100.2/24"]
    assert _told(plan, PORTS[1]) == ["192.168.101.1/24", "192.168.101.2/24"]
    assert str(plan.main("n1")) == "192.168.100.2"


def test_addresses_that_work_are_kept() -> None:
    nodes = {"n0": _node(enp1s0f0np0="10.9.0.7/24"), "n1": _node(enp1s0f0np0="10.9.0.3/24")}
    assert _told(_plan(nodes)) == ["10.9.0.7/24", "10.9.0.3/24"]


def test_a_missing_address_is_filled_in_beside_those_that_work() -> None:
    nodes = {"n0": _node(enp1s0f0np0="10.9.0.7/24"), "n1": _node()}
    assert _told(_plan(nodes)) == ["10.9.0.7/24", "10.9.0.2/24"]


def test_a_missing_interface_does_not_take_the_subnet_of_one_that_works() -> None:
    nodes = {
        "n0": _node(enP2p1s0f0np0="192.168.100.1/24"),
        "n1": _node(enP2p1s0f0np0="192.168.100.2/24"),
    }
    plan = _plan(nodes)
    assert _told(plan, PORTS[1]) == ["192.168.100.1/24", "192.168.100.2/24"]
    assert _told(plan, PORTS[0]) == ["192.168.101.1/24", "192.168.101.2/24"]


def test_of_two_nodes_with_one_address_the_later_is_renumbered() -> None:
    nodes = {"n0": _node(enp1s0f0np0="10.9.0.1/24"), "n1": _node(enp1s0f0np0="10.9.0.1/24")}
    assert _told(_plan(nodes)) == ["10.9.0.1/24", "10.9.0.2/24"]


def test_two_interfaces_in_one_subnet_are_taken_apart() -> None:
    one = _node(enp1s0f0np0="192.168.100.1/24", enP2p1s0f0np0="192.168.100.11/24")
    two = _node(enp1s0f0np0="192.168.100.2/24", enP2p1s0f0np0="192.168.100.12/24")
    plan = _plan({"n0": one, "n1": two})
    assert _told(plan, PORTS[0]) == ["192.168.100.1/24", "192.168.100.2/24"]
    assert _told(plan, PORTS[1]) == ["192.168.101.1/24", "192.168.101.2/24"]


def test_a_subnet_that_is_used_elsewhere_is_left_alone() -> None:
    nodes = {"n0": _node(enP7s7="192.168.100.40/24"), "n1": _node(docker0="192.168.101.1/24")}
    assert _told(_plan(nodes)) == ["192.168.102.1/24", "192.168.102.2/24"]


def test_link_local_addresses_count_for_nothing() -> None:
    nodes = {"n0": _node(enp1s0f0np0="169.254.1.1/16"), "n1": _node(enp1s0f0np0="169.254.1.2/16")}
    assert _told(_plan(nodes)) == ["192.168.100.1/24", "192.168.100.2/24"]


def test_an_address_too_many_is_planned_away() -> None:
    nodes = {"n0": _node(enp1s0f0np0="10.9.0.1/24 10.8.0.1/24"), "n1": _node(enp1s0f0np0="10.9.0.2/24")}
    assert _told(_plan(nodes)) == ["10.9.0.1/24", "10.9.0.2/24"]


def test_the_subnet_that_most_nodes_have_wins() -> None:
    nodes = {
        "n0": _node(enp1s0f0np0="10.8.0.1/24"),
        "n1": _node(enp1s0f0np0="10.9.0.2/24"),
        "n2": _node(enp1s0f0np0="10.9.0.3/24"),
    }
    assert _told(_plan(nodes)) == ["10.9.0.1/24", "10.9.0.2/24", "10.9.0.3/24"]


def test_a_node_that_is_away_keeps_its_number_free() -> None:
    nodes = {"n0": _node(), "n2": _node()}
    plan = _plan(nodes, size=3)
    assert _told(plan) == ["192.168.100.1/24", "192.168.100.3/24"]
    assert plan.of("n1") == {}
    assert plan.main("n1") is None


def test_a_node_that_is_away_keeps_its_number_when_another_has_to_move() -> None:
    nodes = {"n0": _node(enp1s0f0np0="10.9.0.1/24"), "n2": _node(), "n3": _node(enp1s0f0np0="10.9.0.3/24")}
    assert _told(_plan(nodes, size=4)) == ["10.9.0.1/24", "10.9.0.5/24", "10.9.0.3/24"]


def test_only_interfaces_that_are_up_everywhere_are_used() -> None:
    nodes = {"n0": _node(up=PORTS), "n1": _node(up=PORTS[:1])}
    assert _plan(nodes).interfaces == PORTS[:1]


def test_no_common_interface_means_no_plan() -> None:
    plan = _plan({"n0": _node(up=PORTS[:1]), "n1": _node(up=PORTS[1:])})
    assert (plan.interfaces, plan.main("n0")) == ((), None)


def test_the_inventory_may_name_interfaces_and_subnets() -> None:
    wanted = Fabric(interfaces=("eth7",), subnets=(IPv4Network("10.1.0.0/24"),))
    assert _told(_plan({"n0": _node(), "n1": _node()}, wanted), "eth7") == ["10.1.0.1/24", "10.1.0.2/24"]


def test_eight_nodes_are_numbered_one_to_eight() -> None:
    nodes = {f"n{number}": _node() for number in range(8)}
    assert _told(_plan(nodes)) == [f"192.168.100.{number}/24" for number in range(1, 9)]


@pytest.mark.parametrize("prefix", [30, 31, 32])
def test_a_subnet_too_small_for_the_cluster_is_not_used(prefix: int) -> None:
    nodes = {"n0": _node(enp1s0f0np0=f"10.9.0.1/{prefix}"), "n1": _node(), "n2": _node()}
    assert _told(_plan(nodes)) == ["192.168.100.1/24", "192.168.100.2/24", "192.168.100.3/24"]


def test_a_point_to_point_subnet_is_enough_for_two() -> None:
    nodes = {"n0": _node(enp1s0f0np0="10.9.0.0/31"), "n1": _node()}
    assert _told(_plan(nodes)) == ["10.9.0.0/31", "10.9.0.1/31"]


def test_when_no_subnet_is_left_an_interface_stays_without_address() -> None:
    wanted = Fabric(subnets=(IPv4Network("10.1.0.0/24"),))
    plan = _plan({"n0": _node(), "n1": _node()}, wanted)
    assert [list(plan.of(name)) for name in ("n0", "n1")] == [[PORTS[0]], [PORTS[0]]]


addresses = st.builds(
    lambda subnet, host, prefix: f"{subnet}.{host}/{prefix}",
    st.sampled_from(["192.168.100", "192.168.101", "10.9.0", "169.254.7", "172.17.0"]),
    st.integers(0, 255),
    st.sampled_from([8, 16, 24, 24, 24, 30, 31, 32]),
)
nodes_seen = st.builds(
    _node,
    enp1s0f0np0=st.lists(addresses, max_size=2).map(" ".join),
    enP2p1s0f0np0=st.lists(addresses, max_size=2).map(" ".join),
    enP7s7=st.lists(addresses, max_size=1).map(" ".join),
)


@given(st.lists(nodes_seen, min_size=1, max_size=8), st.data())
def test_planned_addresses_are_unique_and_share_one_subnet_an_interface(seen: list[Seen], data: st.DataObject) -> None:
    nodes = {f"n{number}": one for number, one in enumerate(seen) if number == 0 or data.draw(st.booleans())}
    plan = _plan(nodes, size=len(seen))
    every = [address.ip for of_node in plan.addresses.values() for address in of_node.values()]
    assert len(every) == len(set(every))
    subnets = [{of_node[one].network for of_node in plan.addresses.values() if one in of_node} for one in PORTS]
    assert all(len(found) <= 1 for found in subnets)
    assert not any(first.overlaps(second) for first in subnets[0] for second in subnets[1])


@given(st.lists(nodes_seen, min_size=1, max_size=8))
def test_planning_again_from_what_was_planned_changes_nothing(seen: list[Seen]) -> None:
    nodes = {f"n{number}": one for number, one in enumerate(seen)}
    plan = _plan(nodes)
    assert _plan(_after(plan, nodes)) == plan
