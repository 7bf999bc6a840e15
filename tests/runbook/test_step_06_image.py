"""The image of step 6 on recorded output: where it comes from, and whether it is the same everywhere."""

import re
from collections.abc import Callable

import pytest

from cluster.facts.stack import StackFacts
from engine.undo_step import UndoCommand
from fixers import image
from reports.outcome import Outcome
from runbook import test_06_stack as step_06
from tests.runbook.docker_answers import said
from tests.runbook.recorded import Recorded
from tests.runbook.stack_answers import CONTENT, stack_in_order


@pytest.fixture
def healthy(recorded: Callable[..., Recorded]) -> Recorded:
    """A stack of two tasks on two nodes."""
    return stack_in_order(recorded())


def test_an_image_that_is_not_there(healthy: Recorded) -> None:
    healthy.said(StackFacts, "spark-2", image_id=said("\n", err="Error: No such image: x", exit_status=1))
    verdict = healthy.judge(step_06.test_image_is_there, "spark-2")
    assert (verdict.outcome, verdict.found) == (Outcome.FAILED, "nothing")


MISSING = said("\n", err="Error: No such image: x", exit_status=1)
NAME = "nvcr.io/nvidia/pytorch:25.10-py3"
PULLED = f"spark-1$ docker pull {NAME}"
COPIED = "{}$ ssh nvidia@192.168.100.{} docker save {} | docker load"

HANDED_ON = "spark-1$ docker load --input /srv/image.tar, handed on by ssh to spark-2"


@pytest.mark.parametrize(
    ("without", "node", "planned"),
    [
        (("spark-2",), "spark-2", COPIED.format("spark-2", 1, NAME)),
        (("spark-1",), "spark-1", COPIED.format("spark-1", 2, NAME)),
        (("spark-1", "spark-2"), "spark-1", PULLED),
        (("spark-1", "spark-2"), "spark-2", COPIED.format("spark-2", 1, NAME)),
    ],
)
def test_an_image_comes_once_from_outside_and_then_over_the_fabric(
    recorded: Callable[..., Recorded], without: tuple[str, ...], node: str, planned: str
) -> None:
    cluster = stack_in_order(recorded(inventory=f"image: {{name: '{NAME}'}}"))
    for one in without:
        cluster.said(StackFacts, one, image_id=MISSING)
    verdict = cluster.judge(step_06.test_image_is_there, node)
    assert [change.describe for change in verdict.changes] == [planned]


DIGEST = f"sha256:{'5e' * 32}"


@pytest.mark.parametrize("name", [f"{NAME}@{DIGEST}", f"nvcr.io/nvidia/pytorch@{DIGEST}"])
@pytest.mark.parametrize("without", [("spark-2",), ("spark-1", "spark-2")])
def test_an_image_named_by_digest_is_pulled_by_each_node(
    recorded: Callable[..., Recorded], name: str, without: tuple[str, ...]
) -> None:
    # moby 22011: `docker load` brings no digest back, so that a node would not know the copy by its name.
    cluster = stack_in_order(recorded(inventory=f"image: {{name: '{name}'}}"))
    for one in without:
        cluster.said(StackFacts, one, image_id=MISSING)
    for node in without:
        verdict = cluster.judge(step_06.test_image_is_there, node)
        assert [change.describe for change in verdict.changes] == [f"{node}$ docker pull {name}"]


def test_an_image_comes_by_the_port_that_the_peers_sshd_has(recorded: Callable[..., Recorded]) -> None:
    cluster = stack_in_order(recorded(inventory=f"image: {{name: '{NAME}'}}", port=2222))
    cluster.said(StackFacts, "spark-2", image_id=MISSING)
    (change,) = cluster.judge(step_06.test_image_is_there, "spark-2").changes
    assert change.describe == COPIED.format("spark-2", 1, NAME).replace("ssh ", "ssh -p 2222 ")


@pytest.mark.parametrize(
    ("without", "planned"),
    [
        (("spark-1", "spark-2"), {"spark-1": HANDED_ON, "spark-2": HANDED_ON}),
        (("spark-1",), {"spark-1": COPIED.format("spark-1", 2, NAME)}),
        (("spark-2",), {"spark-2": COPIED.format("spark-2", 1, NAME)}),
    ],
)
def test_an_archive_is_handed_on_while_it_comes_to_those_that_lack_the_image(
    recorded: Callable[..., Recorded], without: tuple[str, ...], planned: dict[str, str]
) -> None:
    cluster = stack_in_order(recorded(inventory=f"image: {{name: '{NAME}', archive: /srv/image.tar}}"))
    for one in without:
        cluster.said(StackFacts, one, image_id=MISSING)
    for node, change in planned.items():
        verdict = cluster.judge(step_06.test_image_is_there, node)
        assert [one.describe for one in verdict.changes] == [change]


def test_a_node_of_which_it_is_not_known_whether_it_has_the_image_is_handed_none(
    recorded: Callable[..., Recorded],
) -> None:
    cluster = stack_in_order(recorded(inventory=f"image: {{name: '{NAME}', archive: /srv/image.tar}}"))
    cluster.said(StackFacts, "spark-1", image_id=MISSING)
    cluster.said(StackFacts, "spark-2", image_id=said("\n", err="permission denied", exit_status=1))
    verdict = cluster.judge(step_06.test_image_is_there, "spark-1")
    assert [one.describe for one in verdict.changes] == ["spark-1$ docker load --input /srv/image.tar"]


def test_an_image_without_a_name_is_built_once_and_then_goes_over_the_fabric(healthy: Recorded) -> None:
    healthy.said(StackFacts, image_id=MISSING)
    (build,), (copy,) = (healthy.judge(step_06.test_image_is_there, node).changes for node in ("spark-1", "spark-2"))
    built = healthy.cluster.inventory.image.reference
    assert build.describe.splitlines()[:2] == [
        f"spark-1$ docker build --network host --tag {built} - with", f"  FROM {NAME}",
    ]  # fmt: skip
    assert copy.describe == COPIED.format("spark-2", 1, built)


def test_an_image_for_another_processor(healthy: Recorded) -> None:
    healthy.said(StackFacts, "spark-2", image_architecture="sha256:def amd64\n")
    verdict = healthy.judge(step_06.test_image_is_for_the_processor, "spark-2")
    assert (verdict.outcome, verdict.found, verdict.expected) == (Outcome.FAILED, "amd64", "arm64")


@pytest.mark.parametrize("differs", ["5f70", "2.27.7"])
def test_one_tag_and_two_images(healthy: Recorded, differs: str) -> None:
    healthy.said(StackFacts, "spark-2", image_id="sha256:def\n", image_content=CONTENT.replace(differs, "6a01"))
    verdict = healthy.judge(step_06.test_image_is_the_same)
    assert verdict.outcome is Outcome.FAILED
    assert re.fullmatch(r"spark-1: sha256:[0-9a-f]{64}; spark-2: sha256:[0-9a-f]{64}", str(verdict.found))
    (copy,) = verdict.changes
    assert copy.describe == COPIED.format("spark-2", 1, healthy.cluster.inventory.image.reference)
    (changes,) = image.give_all_the_same(healthy.cluster)
    assert isinstance(changes, list)
    (undo,) = changes[0].undo()
    assert isinstance(undo, UndoCommand)
    assert undo.command.endswith(f"|| docker tag sha256:def {healthy.cluster.inventory.image.reference}")


def test_one_digest_and_two_images(recorded: Callable[..., Recorded]) -> None:
    cluster = stack_in_order(recorded(inventory=f"image: {{name: '{NAME}@{DIGEST}'}}"))
    cluster.said(StackFacts, "spark-2", image_id="sha256:def\n", image_content=CONTENT.replace("5f70", "6a01"))
    verdict = cluster.judge(step_06.test_image_is_the_same)
    assert [change.describe for change in verdict.changes] == [f"spark-2$ docker pull {NAME}@{DIGEST}"]
    (changes,) = image.give_all_the_same(cluster.cluster)
    assert isinstance(changes, list)
    assert [(pull.undo(), pull.foreseeable) for pull in changes] == [([], False)]


def test_an_image_is_the_same_in_dockers_own_store_and_in_containerds(healthy: Recorded) -> None:
    # moby 48401: the one takes the digest of the configuration for its id, the other that of the manifest.
    healthy.said(StackFacts, "spark-2", image_id="sha256:a8560b36\n")
    assert healthy.judge(step_06.test_image_is_the_same).outcome is Outcome.PASSED
    assert list(image.give_all_the_same(healthy.cluster)) == [[]]


def test_an_image_that_tells_no_layers_is_not_known_to_be_another(healthy: Recorded) -> None:
    healthy.said(StackFacts, "spark-2", image_content="{}\n")
    assert healthy.judge(step_06.test_image_is_the_same).outcome is Outcome.UNKNOWN
