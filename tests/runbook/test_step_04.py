"""Step 4 on recorded output: each check fails for its own reason, and is unknown when it cannot be read."""

from collections.abc import Callable

import pytest

from cluster.facts.base import Reading
from cluster.facts.gpu import GpuFacts
from engine.outcome import Outcome
from runbook import test_04_gpu as step_04
from tests.runbook.recorded import Recorded

GB10 = "0, NVIDIA GB10, GPU-{number:08d}-45de-2588-13c3-3f623ae44eaa, 0000000F:01:00.0, 580.178.04, {temperature}\n"


@pytest.mark.parametrize(
    ("temperature", "outcome"), [("33", Outcome.PASSED), ("91", Outcome.FAILED), ("[N/A]", Outcome.UNKNOWN)]
)
def test_a_hot_gpu(recorded: Callable[..., Recorded], temperature: str, outcome: Outcome) -> None:
    cluster = recorded()
    cluster.said(GpuFacts, gpus=GB10.format(number=1, temperature=temperature))
    verdict = cluster.judge(step_04.test_gpu_is_cool, "spark-2")
    assert verdict.outcome is outcome
    if outcome is Outcome.FAILED:
        assert (verdict.found, verdict.expected, verdict.cause) == ("91.0", "at most 85.0", "it will slow itself down")


def test_two_nodes_with_one_gpu(recorded: Callable[..., Recorded]) -> None:
    cluster = recorded()
    cluster.said(GpuFacts, gpus=GB10.format(number=1, temperature="33"))
    verdict = cluster.judge(step_04.test_gpus_are_distinct)
    assert (verdict.outcome, verdict.cause) == (Outcome.FAILED, "one UUID is on two nodes")
    cluster.said(GpuFacts, "spark-2", gpus=GB10.format(number=2, temperature="33"))
    assert cluster.judge(step_04.test_gpus_are_distinct).outcome is Outcome.PASSED
    cluster.said(GpuFacts, "spark-2", gpus=Reading("nvidia-smi", 9, "", "it is broken"))
    assert cluster.judge(step_04.test_gpus_are_distinct).outcome is Outcome.UNKNOWN
