"""What a fine-tune reached is told in a line, and that there was none only where that is known."""

from collections.abc import Callable

import pytest

from reports.model import Report
from reports.training import training_line
from tests.reports.pieces import Json, a_check, a_report
from tests.reports.samples import healthy

Read = Callable[[Json], Report]


def test_a_line_tells_recipe_steps_ranks_speed_time_and_loss(read: Read) -> None:
    told = "Training: tiny, 40 steps on 2 ranks, 900 tokens/s, 14 s, loss 5.250 to 2.130."
    assert training_line(read(healthy())) == told


def test_a_speed_of_a_simulated_gpu_is_told_to_say_nothing(read: Read) -> None:
    content = healthy()
    content["run"]["simulated"] = ["GPU: GB10 stand-in, no CUDA"]
    assert (training_line(read(content)) or "").endswith("The GPU is simulated, so this speed says nothing of a Spark.")
    content["run"]["simulated"] = ["ConnectX-7: virtual Ethernet cables, no RDMA"]
    assert (training_line(read(content)) or "").endswith("2.130.")


def test_what_is_not_known_of_a_training_is_told_as_that(read: Read) -> None:
    content = healthy()
    content["training"] = {"recipe": "tiny", "steps": [{"step": 1}]}
    content["run"]["simulated"] = ["GPU: GB10 stand-in, no CUDA"]
    told = "Training: tiny, 1 step, speed not known, time not known, loss not known."
    assert training_line(read(content)) == told


def test_a_training_that_died_before_its_first_step_is_told_as_that(read: Read) -> None:
    content = healthy()
    content["training"] = {"recipe": "tiny", "world_size": 2, "seconds": 7.5}
    assert training_line(read(content)) == "Training: tiny on 2 ranks, 7.5 s, no step was reached."


@pytest.mark.parametrize(
    ("run", "check", "told"),
    [
        ({"mode": "check"}, a_check("train.finished", 10, None, "skipped"), "No fine-tune was run."),
        ({"mode": "fix"}, a_check("docker.usable", 2, None, "failed"), "No fine-tune was run."),
        ({"mode": "fix"}, a_check("train.finished", 10, None, "failed"), None),
        ({"mode": "plan"}, a_check("docker.usable", 2, None), None),
        ({"mode": "undo"}, a_check("docker.usable", 2, None, "fixed"), None),
        ({"whole": False}, a_check("docker.usable", 2, None), None),
        ({"interrupted": True}, a_check("docker.usable", 2, None), None),
    ],
)
def test_that_there_was_none_is_told_only_of_a_whole_run_in_which_none_failed(
    read: Read, run: Json, check: Json, told: str | None
) -> None:
    content = a_report([check])
    content["run"] |= run
    assert training_line(read(content)) == told
