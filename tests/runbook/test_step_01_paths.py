"""Step 1 on recorded output: the way to the peers, RDMA, each check with its own cause."""

from collections.abc import Callable

import pytest

from cluster.errors import UnknownFact
from cluster.facts.doors import DoorFacts
from cluster.facts.mesh import MeshFacts
from cluster.facts.network import NetworkFacts
from cluster.facts.rdma import RdmaFacts
from engine.change import WriteFile
from engine.undo_step import UndoCommand
from fixers import nccl, network
from reports.outcome import Outcome
from runbook import test_01_network as step_01
from runbook import test_01_network_rdma as rdma_01
from tests.runbook.recorded import Recorded
from tests.runbook.sparks import (
    ANSWERED,
    CMA,
    LOST,
    PORT,
    TWIN,
    failed,
    links,
    per_peer,
    rdma,
)
from workloads.bandwidth import Flow


def test_large_frames_that_do_not_pass(spark: Recorded) -> None:
    spark.said(MeshFacts, "spark-2", large_pings=per_peer(2, LOST))
    assert "small pings are answered, frames of 1500 bytes are not" in failed(
        spark.judge(step_01.test_full_frames_pass)
    )


def test_full_frames_of_which_some_are_lost(spark: Recorded) -> None:
    spark.said(MeshFacts, "spark-2", large_pings=per_peer(2, LOST.replace("100%", "40%")))
    verdict = spark.judge(step_01.test_full_frames_pass)
    assert "some full frames are lost: a bad cable or transceiver" in failed(verdict)
    assert "2 of 5 pings lost" in str(verdict.found)
    assert not verdict.changes


def test_a_route_over_the_management_network(spark: Recorded) -> None:
    spark.said(MeshFacts, "spark-1", routes=per_peer(1, "192.168.0.0/16 via 10.0.0.1 dev enP7s7"))
    cause = failed(spark.judge(step_01.test_peers_are_routed_over_the_fabric, "spark-1"))
    assert cause == "192.168.100.2 is reached by another way: 192.168.0.0/16 via 10.0.0.1 dev enP7s7"


def test_a_route_is_taken_out_and_put_back_in_words_that_ip_takes(spark: Recorded) -> None:
    route = "192.168.100.2 via 10.0.0.1 dev enP7s7 onlink mtu 1400"
    spark.said(MeshFacts, "spark-1", routes=f"192.168.100.2 {route.replace('onlink', 'onlink linkdown')} \n")
    (change,) = network.remove_detours(spark.cluster["spark-1"])
    assert change.describe() == f"spark-1$ sudo ip route del {route}"
    (step,) = change.undo()
    there = "ip route show 192.168.100.2 via 10.0.0.1 dev enP7s7"
    assert step == UndoCommand(f'test -n "$({there})" || ip route add {route}', root=True)


def test_a_third_machine_with_a_peers_address(spark: Recorded) -> None:
    spark.said(MeshFacts, "spark-1", neighbours=f"192.168.100.2 dev {TWIN} lladdr 00:11:22:33:44:55 REACHABLE\n")
    verdict = spark.judge(step_01.test_peers_answer_themselves, "spark-1")
    assert "another machine answers" in failed(verdict)
    assert verdict.found == "192.168.100.2: 00:11:22:33:44:55"


def test_the_twin_may_answer_for_its_twin(spark: Recorded) -> None:
    spark.said(MeshFacts, "spark-1", neighbours=f"192.168.100.2 dev {TWIN} lladdr 4c:bb:47:2b:02:101 REACHABLE\n")
    assert spark.judge(step_01.test_peers_answer_themselves, "spark-1").outcome is Outcome.PASSED


def _unreachable(spark: Recorded, pings: str) -> str:
    spark.said(MeshFacts, "spark-1", pings=per_peer(1, pings))
    return failed(spark.judge(step_01.test_peers_are_reachable, "spark-1"))


def test_the_path_to_a_silent_peer_is_walked(spark: Recorded) -> None:
    assert "answers ARP and no ping: something there, or the switch, drops IP packets" in _unreachable(spark, LOST)
    spark.said(DoorFacts, "spark-2", rules="-P INPUT DROP\n")
    assert "its packet filter (`iptables -S INPUT`) turns them away" in _unreachable(spark, LOST)
    spark.said(MeshFacts, "spark-2", routes=per_peer(2, "default via 10.0.0.1 dev enP7s7"))
    assert "spark-2 hears it and answers by another way: default via 10.0.0.1 dev enP7s7" in _unreachable(spark, LOST)
    spark.said(MeshFacts, "spark-1", neighbours=f"192.168.100.2 dev {TWIN} FAILED\n")
    assert "nobody on enP2p1s0f1np1 answers when asked who has 192.168.100.2 (ARP)" in _unreachable(spark, LOST)
    half = "5 packets transmitted, 3 received, 40% packet loss"
    assert "2 of 5 pings lost on the way to spark-2: a bad cable" in _unreachable(spark, half)
    spark.said(NetworkFacts, "spark-2", links=links(2, enP2p1s0f1np1={"operstate": "DOWN"}))
    assert _unreachable(spark, LOST) == "enP2p1s0f1np1 has no link on spark-2"


def test_a_slow_answer_costs_a_word(spark: Recorded) -> None:
    spark.said(MeshFacts, "spark-1", pings=per_peer(1, ANSWERED.replace("0.035", "7.5")))
    verdict = spark.judge(step_01.test_peers_answer_at_once, "spark-1")
    assert (verdict.outcome, verdict.found, verdict.warning) == (
        Outcome.PASSED,
        "7.5",
        "a peer is slow to answer a ping",
    )


@pytest.mark.parametrize(
    ("before", "after", "check", "cause"),
    [
        ("4: ACTIVE", "1: DOWN", rdma_01.test_rdma_is_active, "is DOWN over Ethernet"),
        ("Ethernet", "InfiniBand", rdma_01.test_rdma_is_active, "is ACTIVE over InfiniBand"),
        (PORT, "other0", rdma_01.test_rdma_is_active, "enp1s0f1np1 has no RDMA device"),
        ("c0a8", "c0a9", rdma_01.test_rdma_speaks_from_the_address, "NCCL finds no RoCE v2 address"),
        ("RoCE v2", "IB/RoCE v1", rdma_01.test_rdma_speaks_from_the_address, "NCCL finds no RoCE v2 address"),
        ("/dev/infiniband/uverbs1:", "", rdma_01.test_programs_can_use_rdma, "there is no /dev/infiniband/uverbs"),
    ],
)
def test_rdma_that_is_not_in_order(
    spark: Recorded, before: str, after: str, check: Callable[..., object], cause: str
) -> None:
    spark.said(RdmaFacts, "spark-1", devices=rdma(1).replace(before, after))
    assert cause in failed(spark.judge(check, "spark-1"))


def test_without_any_rdma_the_checks_are_skipped_and_on_one_node_alone_they_fail(spark: Recorded) -> None:
    spark.said(RdmaFacts, "spark-1", devices="")
    assert "have no RDMA device" in failed(spark.judge(rdma_01.test_rdma_is_active, "spark-1"))
    spark.said(RdmaFacts, "spark-2", devices="")
    verdict = spark.judge(rdma_01.test_rdma_is_active, "spark-2")
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "no node has an RDMA device")


def test_a_pinned_index_that_is_right_may_stay(spark: Recorded) -> None:
    spark.said(RdmaFacts, "spark-1", pins="/etc/environment:NCCL_IB_GID_INDEX=3\n")
    assert spark.judge(rdma_01.test_gid_index_is_not_pinned_wrongly, "spark-1").outcome is Outcome.PASSED
    spark.said(RdmaFacts, "spark-1", pins="/etc/nccl.conf:NCCL_IB_GID_INDEX=5\n")
    verdict = spark.judge(rdma_01.test_gid_index_is_not_pinned_wrongly, "spark-1")
    assert "points elsewhere" in failed(verdict)
    assert verdict.found == "/etc/nccl.conf: 5"


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("NCCL_IB_GID_INDEX=5", "NCCL_IB_GID_INDEX=-1"),
        ("    export NCCL_IB_GID_INDEX='5'", "    export NCCL_IB_GID_INDEX='-1'"),
        ("export NCCL_IB_GID_INDEX=5 NCCL_DEBUG=INFO", "export NCCL_IB_GID_INDEX=-1 NCCL_DEBUG=INFO"),
        ("# NCCL_IB_GID_INDEX=5", "# NCCL_IB_GID_INDEX=5"),
    ],
)
def test_a_login_script_that_pins_an_index_stays_one_that_runs(spark: Recorded, line: str, left: str) -> None:
    path, around = "/home/nvidia/.bashrc", "if true; then\n{}\nfi\n"
    node = spark.cluster["spark-1"]
    node.planned[path] = around.format(line).encode()
    spark.said(RdmaFacts, "spark-1", pins=f"{path}:NCCL_IB_GID_INDEX=5\n")
    (change,) = nccl.unpin(node)
    assert isinstance(change, WriteFile)
    assert change.content.decode() == around.format(left)


def test_a_kernel_that_miscounts(spark: Recorded) -> None:
    spark.said(RdmaFacts, "spark-1", cma_free=CMA.replace("31000", "40000"))
    verdict = spark.judge(rdma_01.test_memory_for_devices_is_counted_right, "spark-1")
    assert "registering memory for RDMA will fail" in failed(verdict)
    assert verdict.found == "40000"


def _flows(*figures: float) -> Callable[[], list[Flow]]:
    ways = [("spark-1", "spark-2", PORT), ("spark-1", "spark-2", TWIN), ("spark-2", "spark-1", PORT)]
    return lambda: [Flow(*way, figure) for way, figure in zip(ways, figures, strict=True)]


@pytest.mark.parametrize(
    ("figures", "cause"),
    [
        ((97.1, 12.5, 96.0), "spark-1 to spark-2 over enP2p1s0f1np1 carries 12.5 Gb/s though the link says 200"),
        ((97.1, 41.0, 96.0), "carries 41 Gb/s while spark-1 to spark-2 over enp1s0f1np1 carries 97.1"),
        ((60.2, 61.0, 60.0), "carries 60 Gb/s, and the others no more"),
    ],
)
def test_a_way_that_carries_too_little(spark: Recorded, figures: tuple[float, ...], cause: str) -> None:
    spark.said(RdmaFacts, perftest="/usr/bin/ib_write_bw\n")
    over_tcp = spark.judge(step_01.test_tcp_is_fast, load=True, tcp=_flows(*figures))
    assert cause in failed(over_tcp)
    assert over_tcp.found == str(min(figures))
    over_rdma = spark.judge(rdma_01.test_rdma_is_fast, load=True, rdma=_flows(*figures))
    assert (over_rdma.outcome, over_rdma.found) == (Outcome.PASSED, str(min(figures)))
    assert cause in str(over_rdma.warning)


def test_a_way_that_carries_next_to_nothing_over_rdma(spark: Recorded) -> None:
    spark.said(RdmaFacts, perftest="/usr/bin/ib_write_bw\n")
    stale = spark.judge(rdma_01.test_rdma_carries_data, load=True, rdma=_flows(97.1, 24.9, 96.0))
    assert "carries 24.9 Gb/s though the link says 200: the adapter kept a stale state" in failed(stale)
    assert spark.judge(rdma_01.test_rdma_carries_data, load=True, rdma=_flows(97.1, 25.0, 96.0)).cause is None


def test_nothing_is_measured_without_load_or_without_the_tool(spark: Recorded) -> None:
    assert spark.judge(step_01.test_tcp_is_fast, tcp=_flows(1, 1, 1)).outcome is Outcome.SKIPPED
    spark.said(RdmaFacts, perftest="none\n")
    verdict = spark.judge(rdma_01.test_rdma_is_fast, load=True, rdma=_flows(1, 1, 1))
    assert verdict.outcome is Outcome.SKIPPED
    assert verdict.cause == "ib_write_bw (Debian package perftest) is not installed on spark-1, spark-2"


def test_a_measurement_without_a_figure_is_unknown(spark: Recorded) -> None:
    def fails() -> list[Flow]:
        raise UnknownFact("nothing could be measured")

    assert spark.judge(step_01.test_tcp_is_fast, load=True, tcp=fails).outcome is Outcome.UNKNOWN


def test_a_slow_rdma_write_costs_a_word(spark: Recorded) -> None:
    spark.said(RdmaFacts, perftest="/usr/bin/ib_write_bw\n")
    verdict = spark.judge(rdma_01.test_rdma_is_prompt, load=True, rdma_latency=_flows(1.4, 7.0, 1.5))
    assert (verdict.outcome, verdict.found, verdict.warning) == (
        Outcome.PASSED,
        "7.0",
        "other traffic, or a switch on the way, delays it",
    )
