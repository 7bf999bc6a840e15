"""Step 1 on recorded output: interfaces, cables and addresses, each check with its own cause, or unknown."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from cluster.facts.adapter import AdapterFacts
from cluster.facts.base import Reading
from cluster.facts.docker import DockerFacts
from cluster.facts.doors import DoorFacts
from cluster.facts.mesh import MeshFacts
from cluster.facts.netplan import NetplanFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.rdma import RdmaFacts
from fixers import network
from fixers.foreign_settings import OUR_FILE
from reports.outcome import Outcome
from runbook import test_01_network as step_01
from runbook import test_01_network_rdma as rdma_01
from tests.runbook.recorded import Recorded
from tests.runbook.sparks import (
    PORT,
    TWIN,
    addresses,
    failed,
    in_order,
    link,
    links,
    ports,
)
from tests.runbook.swarm_answers import engine

FABRIC_CHECKS = [
    (step_01.test_link_is_fast, AdapterFacts, "speeds"),
    (step_01.test_pcie_is_wide, AdapterFacts, "pcie"),
    (step_01.test_link_is_steady, AdapterFacts, "counts"),
    (step_01.test_frames_arrive_whole, AdapterFacts, "counts"),
    (step_01.test_netplan_is_valid, NetplanFacts, "complaint"),
    (step_01.test_netplan_is_private, NetplanFacts, "files"),
    (step_01.test_cx7_has_a_link, NetworkFacts, "ports"),
    (step_01.test_same_ports_are_cabled, NetworkFacts, "ports"),
    (step_01.test_both_interfaces_of_a_port_are_on, NetworkFacts, "links"),
    (step_01.test_fabric_has_links, NetworkFacts, "links"),
    (step_01.test_addresses_are_unique, NetworkFacts, "links"),
    (step_01.test_fabric_is_addressed, NetworkFacts, "links"),
    (step_01.test_addresses_survive_a_reboot, NetplanFacts, "entries"),
    (step_01.test_boot_does_not_wait, NetplanFacts, "entries"),
    (step_01.test_mtus_are_equal, NetworkFacts, "links"),
    (step_01.test_peers_are_routed_over_the_fabric, MeshFacts, "routes"),
    (step_01.test_peers_answer_themselves, MeshFacts, "neighbours"),
    (step_01.test_peers_are_reachable, MeshFacts, "pings"),
    (step_01.test_peers_answer_at_once, MeshFacts, "pings"),
    (step_01.test_full_frames_pass, MeshFacts, "large_pings"),
    (step_01.test_no_firewall_is_in_the_way, DoorFacts, "doors"),
    (rdma_01.test_rdma_is_active, RdmaFacts, "devices"),
    (rdma_01.test_rdma_speaks_from_the_address, RdmaFacts, "devices"),
    (rdma_01.test_programs_can_use_rdma, RdmaFacts, "devices"),
    (rdma_01.test_gid_index_is_not_pinned_wrongly, RdmaFacts, "pins"),
    (rdma_01.test_memory_for_devices_is_counted_right, RdmaFacts, "cma_free"),
]
OF_THE_CLUSTER = (
    "test_same_ports_are_cabled",
    "test_addresses_are_unique",
    "test_mtus_are_equal",
    "test_full_frames_pass",
)
JUDGED = [check for check, _, _ in FABRIC_CHECKS]


def _place(check: Callable[..., object]) -> str | None:
    return None if check.__name__ in OF_THE_CLUSTER else "spark-1"


@pytest.mark.parametrize(("check", "kind", "fact"), FABRIC_CHECKS, ids=lambda one: getattr(one, "__name__", str(one)))
def test_what_was_not_read_is_unknown(spark: Recorded, check: Callable[..., object], kind: Any, fact: str) -> None:
    missing = Reading("the command", None, "", "", "spark-1 did not end it within 10 s")
    spark.said(kind, "spark-1", **{fact: missing})
    verdict = spark.judge(check, _place(check))
    assert (verdict.outcome, verdict.cause) == (Outcome.UNKNOWN, "spark-1 did not end it within 10 s")


NETPLAN = """\
network:
  ethernets:
    enp1s0f1np1: {optional: true, addresses: [192.168.101.1/24]}
    enP2p1s0f1np1: {optional: true, addresses: [192.168.100.1/24]}
"""


@pytest.mark.parametrize("check", JUDGED, ids=lambda check: check.__name__)
def test_two_sparks_in_order_pass(spark: Recorded, check: Callable[..., object]) -> None:
    file = f"600 /etc/netplan/50-mine.yaml {b64encode(NETPLAN.encode()).decode()}\n"
    spark.said(NetplanFacts, "spark-1", entries=NETPLAN, files=file)
    assert spark.judge(check, _place(check)).outcome is Outcome.PASSED


def test_no_adapter_no_carrier_and_a_port_that_is_off_are_told_apart(spark: Recorded) -> None:
    def judge() -> str:
        return failed(spark.judge(step_01.test_cx7_has_a_link, "spark-1"))

    spark.said(NetworkFacts, "spark-1", ports="")
    assert "shows no CX-7 interface: its driver (mlx5_core) is not loaded" in judge()
    spark.said(NetworkFacts, "spark-1", ports=ports(up=()))
    assert "on and without a carrier" in judge()
    spark.said(NetworkFacts, "spark-1", links=links(1, enp1s0f1np1={"flags": [], "operstate": "DOWN"}))
    assert judge() == "enp1s0f1np1 is switched off (`ip link set ... down`)"


def test_cables_in_different_ports(spark: Recorded) -> None:
    spark.said(NetworkFacts, "spark-2", ports=ports(up=(TWIN,)))
    assert failed(spark.judge(step_01.test_same_ports_are_cabled)) == "the cable is in different ports"
    spark.said(NetworkFacts, "spark-2", links=links(2, enp1s0f1np1={"flags": [], "operstate": "DOWN"}))
    assert failed(spark.judge(step_01.test_same_ports_are_cabled)) == "enp1s0f1np1 is switched off on spark-2"


OFF: dict[str, dict[str, Any]] = {TWIN: {"flags": ["BROADCAST", "MULTICAST"], "operstate": "DOWN", "addr_info": []}}


def _switch_twins_off(spark: Recorded) -> Recorded:
    for number in (1, 2):
        spark.said(NetworkFacts, f"spark-{number}", links=links(number, **OFF), ports=ports(up=(PORT,)), listening="")
    return spark


def test_an_interface_that_is_off_on_all_nodes_while_its_port_is_cabled(spark: Recorded) -> None:
    _switch_twins_off(spark)
    assert spark.judge(step_01.test_same_ports_are_cabled).outcome is Outcome.PASSED
    verdict = spark.judge(step_01.test_both_interfaces_of_a_port_are_on, "spark-1")
    assert failed(verdict).startswith(f"{TWIN} is switched off (`ip link set ... down`), and the same port's other")
    assert spark.judge(step_01.test_fabric_has_links, "spark-2").outcome is Outcome.BLOCKED
    (change,) = network.switch_on(spark.cluster["spark-1"])
    assert isinstance(change, network.SwitchOn)
    assert change.command == f"ip link set {TWIN} up"


def test_a_port_without_a_cable_may_be_off(spark: Recorded) -> None:
    for number in (1, 2):
        other = {**link(PORT, number), "ifname": "enp1s0f0np0", "flags": [], "operstate": "DOWN", "addr_info": []}
        there = [link(name, number) for name in (PORT, TWIN)]
        told = ports() + "mlx5_1 port 1 ==> enp1s0f0np0 (Down)\n"
        spark.said(NetworkFacts, f"spark-{number}", links=json.dumps([*there, other]), ports=told, listening="")
    assert spark.judge(step_01.test_both_interfaces_of_a_port_are_on, "spark-1").outcome is Outcome.PASSED


@pytest.mark.parametrize(("listed", "outcome"), [((PORT,), Outcome.PASSED), ((PORT, TWIN), Outcome.FAILED)])
def test_of_interfaces_that_the_inventory_lists_those_alone_have_to_be_on(
    recorded: Callable[..., Recorded], listed: tuple[str, ...], outcome: Outcome
) -> None:
    spark = _switch_twins_off(in_order(recorded(inventory=f"fabric: {{interfaces: [{', '.join(listed)}]}}")))
    assert spark.judge(step_01.test_both_interfaces_of_a_port_are_on, "spark-1").outcome is outcome


def test_interfaces_that_the_inventory_names_and_nobody_has(recorded: Callable[..., Recorded]) -> None:
    spark = in_order(recorded(inventory=f"fabric: {{interfaces: [{PORT}, enp9s0]}}"))
    cause = failed(spark.judge(step_01.test_fabric_has_links, "spark-1"))
    assert cause == "the inventory names enp9s0, which the node does not have"


def test_a_link_at_half_its_speed_on_one_end_and_on_both(spark: Recorded) -> None:
    half = f"{PORT} \tSpeed: 100000Mb/s\n{TWIN} \tSpeed: 200000Mb/s\n"
    spark.said(AdapterFacts, "spark-1", speeds=half)
    verdict = spark.judge(step_01.test_link_is_fast, "spark-1")
    assert "enp1s0f1np1 came up at 100000 Mb/s, and spark-2 tells another speed at its end" in failed(verdict)
    assert (verdict.found, verdict.threshold and verdict.threshold.margin) == ("100000", -100000)
    spark.said(AdapterFacts, "spark-2", speeds=half)
    assert failed(spark.judge(step_01.test_link_is_fast, "spark-1")).startswith("enp1s0f1np1 came up at 100000 Mb/s:")
    spark.said(AdapterFacts, "spark-1", speeds=f"{PORT} \tSpeed: Unknown!\n{TWIN} \tSpeed: 200000Mb/s\n")
    assert spark.judge(step_01.test_link_is_fast, "spark-1").outcome is Outcome.UNKNOWN


def test_a_board_with_half_the_lanes(spark: Recorded) -> None:
    spark.said(
        AdapterFacts, "spark-1", pcie=f"{PORT} 4 32.0 GT/s PCIe 4 32.0 GT/s\n{TWIN} 2 32.0 GT/s PCIe 4 32.0 GT/s PCIe\n"
    )
    verdict = spark.judge(step_01.test_pcie_is_wide, "spark-1")
    assert "the PCIe link of enP2p1s0f1np1 runs at x2 at 32 GT/s (it can do x4 at 32 GT/s)" in failed(verdict)
    assert verdict.found == "63.0"
    spark.said(AdapterFacts, "spark-1", pcie="")
    assert spark.judge(step_01.test_pcie_is_wide, "spark-1").outcome is Outcome.SKIPPED


QUIET = f"{TWIN} carrier_changes: 0\n{TWIN} rx_crc_errors: 0\n"


def test_a_counter_that_is_not_told_is_unknown(spark: Recorded) -> None:
    spark.said(AdapterFacts, "spark-1", counts=QUIET)
    for check in (step_01.test_link_is_steady, step_01.test_frames_arrive_whole):
        verdict = spark.judge(check, "spark-1")
        assert (verdict.outcome, verdict.cause) == (
            Outcome.UNKNOWN,
            f"spark-1 does not tell what it counted at {PORT}.",
        )


def test_a_poor_cable_costs_a_word_and_no_readiness(spark: Recorded) -> None:
    spark.said(AdapterFacts, "spark-1", counts=f"{PORT} carrier_changes: 90\n{PORT} rx_crc_errors_phy: 4711\n" + QUIET)
    steady = spark.judge(step_01.test_link_is_steady, "spark-1")
    whole = spark.judge(step_01.test_frames_arrive_whole, "spark-1")
    assert (steady.outcome, steady.warning, steady.found) == (
        Outcome.PASSED,
        "a link of the fabric comes and goes: enp1s0f1np1 (90 since boot)",
        "90",
    )
    told = "frames arrive broken, by a bad cable: enp1s0f1np1 (4,711 since boot)"
    assert (whole.outcome, whole.warning) == (Outcome.PASSED, told)


def test_an_address_that_a_swarm_rests_on_is_not_taken_away_unasked(spark: Recorded) -> None:
    office = {"ifname": "enP7s7", "operstate": "UP", "mtu": 1500, "addr_info": addresses("192.168.101.77/24")}
    for number in (1, 2):
        spark.said(NetworkFacts, f"spark-{number}", links=json.dumps([*json.loads(links(number)), office]))
    spark.said(DockerFacts, "spark-1", engine=engine("id1", "192.168.101.1"))
    spark.said(NetplanFacts, "spark-1", entries="")
    spark.cluster["spark-1"].planned[OUR_FILE] = b""
    verdict = spark.judge(step_01.test_fabric_is_addressed, "spark-1")
    assert failed(verdict) == f"{PORT} shares a subnet with enP7s7: answers leave by the wrong one"
    assert {change.risk for change in verdict.changes} == {"disruptive"}
    assert "--allow leave-swarm` if it is all right that spark-1 loses 192.168.101.1, by which" in str(verdict.remedy)


@pytest.mark.parametrize(
    ("written", "cause"),
    [
        ((), "has no address, and its twin has one: half of the port's bandwidth lies idle"),
        (("192.168.100.9/24",), "shares a subnet with"),
        (("169.254.7.7/16",), "has only a link-local address"),
        (("192.168.101.1/24", "10.9.9.9/24"), "has 10.9.9.9/24 beside 192.168.101.1/24"),
        (("10.9.9.9/24",), "has 10.9.9.9/24 where 192.168.101.1/24 fits the other nodes"),
    ],
)
def test_addresses_that_do_not_fit(spark: Recorded, written: tuple[str, ...], cause: str) -> None:
    spark.said(NetworkFacts, "spark-1", links=links(1, enp1s0f1np1={"addr_info": addresses(*written)}))
    assert cause in failed(spark.judge(step_01.test_fabric_is_addressed, "spark-1"))


def test_one_node_takes_larger_frames(spark: Recorded) -> None:
    spark.said(NetworkFacts, "spark-2", links=links(2, enp1s0f1np1={"mtu": 9000}))
    cause = failed(spark.judge(step_01.test_mtus_are_equal))
    assert cause == "enp1s0f1np1 of spark-2 has 9000 where another node takes no more than 1500"
