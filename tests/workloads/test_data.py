"""Rows become tokens: what is counted, what is cut, what is shared out."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import pytest

from workloads.finetune.recipe import Recipe, read_recipe
from workloads.recipe import find_recipe

pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

from workloads.finetune import data  # noqa: E402 - only where torch is

RECIPE: Recipe = read_recipe(find_recipe("tiny"))
ROW = {"instruction": "Say it.", "input": "", "output": "Yes"}


class OneTokenALetter:
    """A tokenizer whose tokens are the letters' numbers; it begins a text with 1."""

    eos_token_id = 2

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": [1] * add_special_tokens + [ord(letter) for letter in text]}


TOKENIZER: Any = OneTokenALetter()


def _examples(count: int) -> list[data.Example]:
    return [data.Example([number, number], [number, number]) for number in range(count)]


def test_only_the_answer_and_its_end_are_trained_on() -> None:
    example = data.encode(ROW, TOKENIZER, RECIPE)
    counted = [label for label in example.labels if label != data.IGNORED]
    assert counted == [ord("Y"), ord("e"), ord("s"), TOKENIZER.eos_token_id]
    assert example.input_ids[0] == 1
    assert example.input_ids[-4:] == counted


def test_the_prompt_is_trained_on_if_the_recipe_says_so() -> None:
    example = data.encode(ROW, TOKENIZER, replace(RECIPE, train_on_prompt=True))
    assert example.labels == example.input_ids


def test_an_input_is_part_of_the_prompt_only_if_there_is_one() -> None:
    assert "Input" not in data.prompt_of(ROW)
    assert "### Input:\nblue" in data.prompt_of({**ROW, "input": "blue"})


def test_a_row_is_cut_at_the_sequence_length() -> None:
    example = data.encode(ROW, TOKENIZER, replace(RECIPE, sequence_length=10))
    assert len(example.input_ids) == len(example.labels) == 10


def test_a_row_without_an_answer_left_is_left_out() -> None:
    length = len(data.prompt_of(ROW)) + 5
    rows = [ROW, {**ROW, "instruction": "x" * 500}]
    assert len(data.encode_all(rows, TOKENIZER, replace(RECIPE, sequence_length=length))) == 1


def test_padding_is_on_the_right_and_counts_for_nothing() -> None:
    batch = data.collate([data.Example([5, 6, 7], [data.IGNORED, 6, 7]), data.Example([8, 9], [8, 9])], pad_id=0)
    assert batch.input_ids.tolist() == [[5, 6, 7], [8, 9, 0]]
    assert batch.attention_mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch.labels.tolist() == [[data.IGNORED, 6, 7], [8, 9, data.IGNORED]]
    assert (batch.tokens, batch.targets) == (5, 3)


@pytest.mark.parametrize("world", [1, 2, 4])
def test_the_rows_of_a_step_do_not_depend_on_the_number_of_ranks(world: int) -> None:
    recipe = replace(RECIPE, batch_per_rank=4 // world, gradient_accumulation=2)
    steps = [list(data.steps_of(_examples(10), recipe, rank, world, 0, steps=3)) for rank in range(world)]
    shared = [sorted(chain.from_iterable(_rows(rank[step]) for rank in steps)) for step in range(3)]
    alone = replace(RECIPE, batch_per_rank=8)
    assert shared == [sorted(_rows(step)) for step in data.steps_of(_examples(10), alone, 0, 1, 0, steps=3)]


def test_every_row_is_seen_once_an_epoch_and_in_another_order_in_the_next() -> None:
    recipe = replace(RECIPE, batch_per_rank=8)
    seen = [_rows(step) for step in data.steps_of(_examples(8), recipe, 0, 1, 0, steps=2)]
    assert [sorted(epoch) for epoch in seen] == [list(range(8))] * 2
    assert seen[0] != seen[1]


def test_epochs_are_rounded_up_to_whole_steps() -> None:
    recipe = replace(RECIPE, epochs=2, max_steps=None, batch_per_rank=3)
    assert data.count_steps(rows=10, world=2, recipe=recipe) == 4


def _rows(step: list[data.Batch]) -> list[int]:
    return [int(row[0]) for batch in step for row in batch.input_ids]
