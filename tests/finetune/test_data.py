"""Rows become tokens: what is counted, what is cut, what is shared out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from workloads.finetune.recipe import Recipe, read_recipe
from workloads.finetune.refusal import RefusalError
from workloads.recipe import find_recipe

pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

from workloads.finetune import data  # noqa: E402 - only where torch is

if TYPE_CHECKING:
    from pathlib import Path

RECIPE: Recipe = read_recipe(find_recipe("tiny"))
ROW = {"instruction": "Say it.", "input": "", "output": "Yes"}


class OneTokenALetter:
    """A tokenizer whose tokens are the letters' numbers; it begins a text with 1."""

    eos_token_id = 2

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": [1] * add_special_tokens + [ord(letter) for letter in text]}


TOKENIZER: Any = OneTokenALetter()


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


class EndsEveryText(OneTokenALetter):
    """A tokenizer that puts its end behind every text."""

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        told = super().__call__(text, add_special_tokens)["input_ids"]
        return {"input_ids": told + [self.eos_token_id] * add_special_tokens}


def test_no_end_stands_between_a_prompt_and_its_answer() -> None:
    ending: Any = EndsEveryText()
    assert data.encode(ROW, ending, RECIPE) == data.encode(ROW, TOKENIZER, RECIPE)


def test_another_token_is_another_digest() -> None:
    example = data.encode(ROW, TOKENIZER, RECIPE)
    other = replace(example, input_ids=[*example.input_ids[:-1], 3])
    assert data.digest_examples([example]) == data.digest_examples([replace(example)])
    assert data.digest_examples([example]) != data.digest_examples([other])


def test_rows_may_come_a_line_each(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(ROW)}\n\n{json.dumps(ROW)}\n")
    assert data.load_rows(str(tmp_path / "rows.jsonl")) == [ROW, ROW]


def test_half_a_character_is_named_by_its_row(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps([ROW, {**ROW, "output": "\ud83d"}]))
    with pytest.raises(RefusalError, match=r"rows\.json: row 2 has half a character"):
        data.load_rows(str(tmp_path / "rows.json"))


def test_a_line_that_is_no_json_is_told_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(ROW)}\n\n{{bad\n")
    with pytest.raises(RefusalError, match=r"rows\.jsonl: the data set cannot be read: line 3, column 2: Expecting"):
        data.load_rows(str(tmp_path / "rows.jsonl"))


@pytest.mark.parametrize("given", [5, 0, ["a"], {}, False])
def test_an_input_that_is_no_text_is_refused(tmp_path: Path, given: object) -> None:
    (tmp_path / "rows.json").write_text(json.dumps([{**ROW, "input": None}, {**ROW, "input": given}]))
    with pytest.raises(RefusalError, match="row 2 has something else than a text under input"):
        data.load_rows(str(tmp_path / "rows.json"))
