"""From rows in Alpaca format to batches of tokens.

A batch is right-padded. Everything downstream sees only a Batch, so another way to lay rows out needs another
`collate` and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .refusal import RefusalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from .recipe import Recipe

IGNORED = -100


@dataclass(frozen=True)
class Example:
    """One row in tokens; a label is IGNORED where the loss does not count it."""

    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class Batch:
    """Rows laid out for the model: three integer tensors of shape (rows, longest row)."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(self.input_ids.to(device), self.attention_mask.to(device), self.labels.to(device))

    @property
    def tokens(self) -> int:
        """Tokens that are not padding."""
        return int(self.attention_mask.sum())

    @property
    def targets(self) -> int:
        """Tokens that the loss counts; the first of a row is predicted from nothing."""
        return int((self.labels[:, 1:] != IGNORED).sum())


def load_rows(dataset: str) -> list[dict[str, str]]:
    """Read rows of instruction, input (may be empty) and output: from a JSON file, or else from the hub.

    Raises:
        RefusalError: the data set cannot be had, or a row lacks a text.
    """
    path = Path(dataset)
    try:
        rows = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else _from_hub(dataset)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RefusalError(f"{dataset}: the data set cannot be read: {reason}") from error
    if not isinstance(rows, list) or not rows:
        raise RefusalError(f"{dataset}: the data set is not a list of rows, or it is empty")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("instruction", "output")):
            raise RefusalError(f"{dataset}: row {number} needs a text under instruction and under output")
    return [{key: row.get(key) or "" for key in ("instruction", "input", "output")} for row in rows]


def digest_rows(rows: list[dict[str, str]]) -> str:
    """Return the SHA-256 of the rows' content, whatever file they came in."""
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def prompt_of(row: dict[str, str]) -> str:
    """Return the text that comes before a row's answer."""
    context = f"### Input:\n{row['input']}\n\n" if row["input"] else ""
    return f"### Instruction:\n{row['instruction']}\n\n{context}### Response:\n"


def encode(row: dict[str, str], tokenizer: Any, recipe: Recipe) -> Example:
    """Turn a row into tokens, cut at the recipe's sequence length.

    Prompt and answer are encoded apart, so that the border between them is a border between tokens.
    """
    prompt = list(tokenizer(prompt_of(row))["input_ids"])
    answer = [*tokenizer(row["output"], add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    hidden = prompt if recipe.train_on_prompt else [IGNORED] * len(prompt)
    length = recipe.sequence_length
    return Example((prompt + answer)[:length], (hidden + answer)[:length])


def encode_all(rows: list[dict[str, str]], tokenizer: Any, recipe: Recipe) -> list[Example]:
    """Encode all rows, leaving out those whose answer the sequence length cuts off entirely.

    Raises:
        RefusalError: no row is left.
    """
    examples = [encode(row, tokenizer, recipe) for row in rows]
    kept = [example for example in examples if any(label != IGNORED for label in example.labels[1:])]
    if not kept:
        raise RefusalError(f"no row's answer begins within {recipe.sequence_length} tokens: raise sequence_length")
    return kept


def collate(examples: Sequence[Example], pad_id: int) -> Batch:
    """Lay examples out as one right-padded batch."""
    longest = max(len(example.input_ids) for example in examples)

    def padded(values: list[int], filler: int) -> list[int]:
        return values + [filler] * (longest - len(values))

    return Batch(
        input_ids=torch.tensor([padded(example.input_ids, pad_id) for example in examples]),
        attention_mask=torch.tensor([padded([1] * len(example.input_ids), 0) for example in examples]),
        labels=torch.tensor([padded(example.labels, IGNORED) for example in examples]),
    )


def count_steps(rows: int, world: int, recipe: Recipe) -> int:
    """Return the number of optimiser steps that the recipe asks for."""
    if recipe.max_steps is not None:
        return recipe.max_steps
    assert recipe.epochs is not None, "read_recipe() lets no recipe pass that has neither"
    return math.ceil(recipe.epochs * rows / (world * recipe.batch_per_rank * recipe.gradient_accumulation))


def steps_of(
    examples: list[Example], recipe: Recipe, rank: int, world: int, pad_id: int, steps: int
) -> Iterator[list[Batch]]:
    """Yield, for every step, this rank's batches: one for each round of gradient accumulation.

    All ranks walk the same shuffled order and each takes its own part of it, so that the rows of a step do not
    depend on how many ranks share them.
    """
    order = _shuffled_for_ever(examples, recipe.seed)
    size = recipe.batch_per_rank
    for _ in range(steps):
        rounds = []
        for _ in range(recipe.gradient_accumulation):
            everyones = [next(order) for _ in range(world * size)]
            rounds.append(collate(everyones[rank * size : (rank + 1) * size], pad_id))
        yield rounds


def _shuffled_for_ever(examples: list[Example], seed: int) -> Iterator[Example]:
    epoch = 0
    while True:
        order = list(examples)
        random.Random(f"{seed}/{epoch}").shuffle(order)  # noqa: S311 - an order of rows is no secret
        yield from order
        epoch += 1


def _from_hub(dataset: str) -> list[dict[str, str]]:
    # Imported here because it takes seconds and a local file needs none of it.
    from datasets import load_dataset  # noqa: PLC0415

    return [dict(row) for row in load_dataset(dataset, split="train")]
