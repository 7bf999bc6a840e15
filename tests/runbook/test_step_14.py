"""Step 14 on recorded output: what is left behind is named."""

from collections.abc import Callable

from cluster.facts.stack import StackFacts
from engine.outcome import Outcome
from runbook import test_14_cleanup as step_14
from tests.runbook.recorded import Recorded

ASKED = {"cleanup": True}


def test_a_stack_that_still_runs_and_one_that_is_gone(recorded: Callable[..., Recorded]) -> None:
    cluster = recorded()
    cluster.said(StackFacts, digest="ab12\n")
    left = cluster.judge(step_14.test_stack_is_gone, asked_for=ASKED)
    assert (left.outcome, left.cause) == (Outcome.FAILED, "the containers still run on the nodes")
    cluster.said(StackFacts, digest="\n")
    assert cluster.judge(step_14.test_stack_is_gone, asked_for=ASKED).outcome is Outcome.PASSED


def test_models_that_are_left_are_named(recorded: Callable[..., Recorded]) -> None:
    cluster = recorded()
    cluster.said(StackFacts, cached_models="/home/nvidia/.cache/huggingface/hub/models--meta-llama--Llama-3.1-8B\n")
    left = cluster.judge(step_14.test_models_are_gone, "spark-2", asked_for=ASKED)
    assert left.outcome is Outcome.FAILED
    assert "models--meta-llama--Llama-3.1-8B" in str(left.found)
    cluster.said(StackFacts, cached_models="")
    assert cluster.judge(step_14.test_models_are_gone, "spark-2", asked_for=ASKED).outcome is Outcome.PASSED
