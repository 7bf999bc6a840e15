"""The collective of step 10 on recorded answers: which way NCCL went, and how fast, in words."""

from collections.abc import Callable

import pytest

from cluster.errors import CommandFailed
from cluster.facts.config import ConfigFacts
from cluster.facts.rdma import RdmaFacts
from reports.outcome import Outcome
from runbook import test_09_config as step_09
from runbook import test_10_network_collective as step_10
from tests.runbook.recorded import Recorded
from tests.runbook.sparks import in_order
from workloads.collective.launch import Collective, Figure
from workloads.collective.transport import Transport

BOTH = Transport("IB", ("rocep1s0f1", "roceP2p1s0f1"), no_device=False)
ONE = Transport("IB", ("rocep1s0f1",), no_device=False)
BLIND = Transport("Socket", ("enp1s0f1np1",), no_device=True)
PASSED_OVER = Transport("Socket", ("enp1s0f1np1",), no_device=False)


def _measured(bus: float, transport: Transport | None) -> Collective:
    figures = (
        Figure(name="all_gather", bytes=2**32, algorithm_gb_s=2 * bus, bus_gb_s=bus),
        Figure(name="all_reduce", bytes=2**32, algorithm_gb_s=bus + 1, bus_gb_s=bus + 1),
    )
    return Collective(figures, {"spark-1": transport, "spark-2": transport})


@pytest.mark.parametrize(
    ("bus", "transport", "told"),
    [
        (2.8, BLIND, "all_gather moves 2.8 GB/s on the bus, by NET/Socket over enp1s0f1np1: that little means sockets"),
        (11.9, ONE, "spark-1, spark-2 uses one of the port's two interfaces"),
        (8.0, BOTH, "less than one interface carries"),
        (17.0, BOTH, "between one interface and the whole port"),
        (17.0, None, "by gloo"),
    ],
)
def test_a_slow_collective_costs_a_word(spark: Recorded, bus: float, transport: Transport | None, told: str) -> None:
    verdict = spark.judge(step_10.test_collectives_are_fast, load=True, collective=lambda: _measured(bus, transport))
    assert (verdict.outcome, verdict.found) == (Outcome.PASSED, str(bus))
    assert told in str(verdict.warning)


def test_where_nccl_tells_no_way_none_is_taken_for_right(spark: Recorded) -> None:
    silent = spark.judge(step_10.test_nccl_uses_rdma, load=True, collective=lambda: _measured(17.0, None))
    assert (silent.outcome, silent.cause) == (
        Outcome.UNKNOWN,
        "NCCL did not tell which way it went on spark-1, spark-2",
    )


def test_a_collective_at_the_speed_of_the_port_passes(spark: Recorded) -> None:
    verdict = spark.judge(step_10.test_collectives_are_fast, load=True, collective=lambda: _measured(23.7, BOTH))
    assert (verdict.outcome, verdict.warning) == (Outcome.PASSED, None)


def test_a_collective_that_takes_a_detour_is_no_use(recorded: Callable[..., Recorded]) -> None:
    spark = in_order(recorded(inventory="launcher: docker"))
    verdict = spark.judge(
        step_10.test_collectives_use_the_fabric, load=True, collective=lambda: _measured(4.9, PASSED_OVER)
    )
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "4.9")
    assert "that little means sockets" in str(verdict.cause)
    verdict = spark.judge(step_10.test_collectives_use_the_fabric, load=True, collective=lambda: _measured(5.0, ONE))
    assert verdict.outcome is Outcome.PASSED


def test_nothing_is_measured_where_no_container_is_ready_for_it(spark: Recorded) -> None:
    def never() -> Collective:
        raise AssertionError("it was measured")

    spark.said(ConfigFacts, "spark-1", listeners='LISTEN 0 128 *:29500 *:* users:(("nginx",pid=8,fd=3))\n')
    assert spark.judge(step_09.test_port_is_free).outcome is Outcome.FAILED
    carries = spark.judge(step_10.test_collectives_use_the_fabric, load=True, collective=never)
    fast = spark.judge(step_10.test_collectives_are_fast, load=True, collective=never)
    assert [carries.outcome, fast.outcome] == [Outcome.SKIPPED, Outcome.BLOCKED]


def test_cpus_are_held_to_no_speed_of_rdma(recorded: Callable[..., Recorded]) -> None:
    spark = in_order(recorded(inventory="{launcher: docker, device: cpu}"))
    verdict = spark.judge(step_10.test_collectives_use_the_fabric, load=True, collective=lambda: _measured(2.5, None))
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "CPUs use no RDMA")


def test_sockets_are_no_failure_where_the_swarm_leaves_nothing_else(spark: Recorded) -> None:
    verdict = spark.judge(step_10.test_collectives_use_the_fabric, load=True, collective=lambda: _measured(2.8, BLIND))
    assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "the swarm gives containers no RDMA devices")


@pytest.mark.parametrize(
    ("transport", "told"),
    [
        (BLIND, "NCCL found no RDMA device in the container of spark-1, spark-2: swarm passes none"),
        (PASSED_OVER, "NCCL passed over the RDMA devices of spark-1, spark-2"),
    ],
)
def test_sockets_where_there_is_rdma_cost_a_word(spark: Recorded, transport: Transport, told: str) -> None:
    verdict = spark.judge(step_10.test_nccl_uses_rdma, load=True, collective=lambda: _measured(2.8, transport))
    assert verdict.outcome is Outcome.PASSED
    assert told in str(verdict.warning)


def test_sockets_are_right_where_there_is_no_rdma(spark: Recorded) -> None:
    spark.said(RdmaFacts, devices="")
    for transport in (BLIND, None):
        verdict = spark.judge(
            step_10.test_nccl_uses_rdma, load=True, collective=lambda way=transport: _measured(2.8, way)
        )
        assert (verdict.outcome, verdict.cause) == (Outcome.SKIPPED, "no node has an RDMA device")


def test_without_load_nothing_is_measured_and_a_rank_that_fails_leaves_it_unknown(spark: Recorded) -> None:
    def fails() -> Collective:
        raise CommandFailed("the rank on spark-2 failed")

    for check in (step_10.test_collectives_are_fast, step_10.test_nccl_uses_rdma):
        assert spark.judge(check, collective=fails).outcome is Outcome.SKIPPED
        assert spark.judge(check, load=True, collective=fails).outcome is Outcome.UNKNOWN
