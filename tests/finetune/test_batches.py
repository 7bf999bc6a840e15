"""Tokens become batches: what is laid out how, what counts, and what is shared out."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import pytest

from workloads.finetune.recipe import Recipe, read_recipe
from workloads.recipe import find_recipe

torch = pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

from workloads.finetune.batches import Batch, Course, Step, packed, padded  # noqa: E402 - only where torch is
from workloads.finetune.data import IGNORED, Example  # noqa: E402

RECIPE: Recipe = replace(read_recipe(find_recipe("tiny")), packing=False)
LONG = Example([5, 6, 7], [IGNORED, 6, 7])
SHORT = Example([8, 9], [8, 9])


def _examples(count: int) -> list[Example]:
    return [Example([number, number], [number, number]) for number in range(count)]


def _course(count: int, recipe: Recipe, rank: int = 0, ranks: int = 1) -> Course:
    return Course(_examples(count), pad_id=99, recipe=recipe, rank=rank, ranks=ranks)


def test_padding_is_on_the_right() -> None:
    batch = padded([LONG, SHORT], pad_id=0)
    assert batch.input_ids.tolist() == [[5, 6, 7], [8, 9, 0]]
    assert batch.attention_mask is not None
    assert batch.attention_mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch.tokens == 5


def test_packed_examples_begin_at_position_0_and_their_borders_are_told() -> None:
    batch = packed([LONG, SHORT], length=8, pad_id=0)
    assert batch.input_ids.tolist() == [[5, 6, 7, 8, 9, 0, 0, 0]]
    assert batch.position_ids is not None
    assert batch.position_ids.tolist() == [[0, 1, 2, 0, 1, 0, 1, 2]]
    assert batch.borders is not None
    assert batch.borders.tolist() == [0, 3, 5, 8]
    assert (batch.tokens, batch.longest) == (5, 3)


def test_a_row_that_is_full_has_no_filler() -> None:
    batch = packed([LONG, SHORT], length=5, pad_id=0)
    assert batch.borders is not None
    assert batch.borders.tolist() == [0, 3, 5]


@pytest.mark.parametrize(
    ("batch", "places"), [(padded([LONG, SHORT], 0), [0, 1, 3]), (packed([LONG, SHORT], 8, 0), [0, 1, 3])]
)
def test_every_answer_is_predicted_from_the_token_before_it_in_its_own_example(batch: Batch, places: list[int]) -> None:
    assert batch.predicting.tolist() == places
    assert batch.answers.tolist() == [6, 7, 9]


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_the_rows_of_a_step_do_not_depend_on_the_number_of_ranks(ranks: int) -> None:
    recipe = replace(RECIPE, batch_per_rank=4 // ranks, gradient_accumulation=2)
    steps = [list(_course(10, recipe, rank, ranks).steps(range(3))) for rank in range(ranks)]
    shared = [sorted(chain.from_iterable(_rows(rank[number]) for rank in steps)) for number in range(3)]
    alone = _course(10, replace(RECIPE, batch_per_rank=8))
    assert shared == [sorted(_rows(step)) for step in alone.steps(range(3))]


@pytest.mark.parametrize("packing", [True, False])
def test_a_step_knows_the_counts_of_all_ranks(packing: bool) -> None:
    recipe = replace(RECIPE, packing=packing, sequence_length=9, batch_per_rank=1)
    steps = [next(_course(10, recipe, rank, 2).steps(range(1))) for rank in (0, 1)]
    batches = [batch for step in steps for batch in step.rounds]
    assert {step.tokens for step in steps} == {sum(batch.tokens for batch in batches)}
    assert {step.targets for step in steps} == {sum(len(batch.answers) for batch in batches)}


@pytest.mark.parametrize("packing", [True, False])
def test_a_course_that_is_taken_up_later_goes_on_as_it_would_have(packing: bool) -> None:
    course = _course(10, replace(RECIPE, packing=packing, sequence_length=8))
    whole, rest = list(course.steps(range(5))), list(course.steps(range(3, 5)))
    assert [_ids(step) for step in rest] == [_ids(step) for step in whole[3:]]


def test_every_row_is_seen_once_an_epoch_and_in_another_order_in_the_next() -> None:
    seen = [_rows(step) for step in _course(8, replace(RECIPE, batch_per_rank=8)).steps(range(2))]
    assert [sorted(epoch) for epoch in seen] == [list(range(8))] * 2
    assert seen[0] != seen[1]


def test_no_packed_row_is_longer_than_its_room_and_none_is_split() -> None:
    recipe = replace(RECIPE, packing=True, sequence_length=9, batch_per_rank=1)
    for step in _course(10, recipe).steps(range(4)):
        assert step.rounds[0].input_ids.shape == (1, 9)
        assert step.tokens == 8


@pytest.mark.parametrize(("packing", "steps"), [(False, 4), (True, 3)])
def test_epochs_are_rounded_up_to_whole_steps(packing: bool, steps: int) -> None:
    recipe = replace(RECIPE, epochs=2, max_steps=None, batch_per_rank=3, sequence_length=3, packing=packing)
    assert _course(10, recipe, ranks=2).count_steps() == steps


def _rows(step: Step) -> list[int]:
    return [int(row[0]) for batch in step.rounds for row in batch.input_ids]


def _ids(step: Step) -> list[object]:
    return [batch.input_ids.tolist() for batch in step.rounds]
