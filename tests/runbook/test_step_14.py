"""Step 14 on recorded output: what is left behind is named."""

from collections.abc import Callable
from pathlib import Path

from cluster.facts.stack import StackFacts
from fixers import cleanup
from reports.outcome import Outcome
from runbook import test_14_cleanup as step_14
from tests.runbook.recorded import Recorded
from workloads.recipe import find_recipe

ASKED = {"cleanup": True}


def test_a_stack_that_still_runs_and_one_that_is_gone(recorded: Callable[..., Recorded]) -> None:
    cluster = recorded()
    cluster.said(StackFacts, digest="ab12\n")
    left = cluster.judge(step_14.test_stack_is_gone, asked_for=ASKED)
    assert (left.outcome, left.cause) == (Outcome.FAILED, "the containers still run on the nodes")
    cluster.said(StackFacts, digest="\n")
    assert cluster.judge(step_14.test_stack_is_gone, asked_for=ASKED).outcome is Outcome.PASSED


def test_a_model_that_no_recipe_downloads_is_left_alone(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(find_recipe("tiny").read_text().replace("model: tiny", "model: org/mine"))
    cluster = recorded(inventory=f"recipe: {recipe}")
    theirs = ["models--Qwen--Qwen3-235B", "models--org--other"]
    ours = ["models--org--mine", "models--unsloth--Meta-Llama-3.1-70B-bnb-4bit", "datasets--tatsu-lab--alpaca"]
    cluster.said(StackFacts, cached_models="".join(f"/cache/hub/{name}\n" for name in [*theirs, *ours]))
    left = cluster.judge(step_14.test_models_are_gone, "spark-2", asked_for=ASKED)
    assert left.found == ", ".join(f"/cache/hub/{name}" for name in ours)
    removed = [change.describe() for change in cleanup.remove_models(cluster.cluster["spark-2"])]
    assert removed == [f"spark-2$ sudo rm -rf -- /cache/hub/{name}" for name in ours]


def test_models_that_are_left_are_named(recorded: Callable[..., Recorded]) -> None:
    cluster = recorded()
    cluster.said(StackFacts, cached_models="/home/nvidia/.cache/huggingface/hub/models--meta-llama--Llama-3.1-8B\n")
    left = cluster.judge(step_14.test_models_are_gone, "spark-2", asked_for=ASKED)
    assert left.outcome is Outcome.FAILED
    assert "models--meta-llama--Llama-3.1-8B" in str(left.found)
    cluster.said(StackFacts, cached_models="")
    assert cluster.judge(step_14.test_models_are_gone, "spark-2", asked_for=ASKED).outcome is Outcome.PASSED
