"""From tokens to batches, in the order and the shares that all ranks agree on.

A batch holds its examples one a row, padded on the right, or end to end in one long row. Packed examples stay apart:
each begins at position 0, and attention is told where each begins, so that none sees another.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, fields
from itertools import accumulate, islice, pairwise
from typing import TYPE_CHECKING

import torch

from .data import IGNORED, Example

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import Tensor

    from .recipe import Recipe

FILLER = 64
"""What a packed row lacks of its full length is filled by examples of so many tokens that nothing is learned from."""


@dataclass(frozen=True)
class Batch:
    """Examples laid out for the model, as tensors of integers.

    `input_ids` has the shape (rows, length), and `tokens` of its entries are neither padding nor filler. Flattened,
    `predicting` are the places from which a token is predicted that the loss counts, and `answers` those tokens.
    Padded, `attention_mask` is 1 where a row has tokens. Packed, `position_ids` counts from 0 in every example,
    `borders` are the places where examples begin and the last one ends, and `longest` is the longest example's length.
    """

    input_ids: Tensor
    predicting: Tensor
    answers: Tensor
    tokens: int
    attention_mask: Tensor | None = None
    position_ids: Tensor | None = None
    borders: Tensor | None = None
    longest: int = 0

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        values = [getattr(self, field.name) for field in fields(self)]
        return Batch(*[each.to(device, non_blocking=True) if torch.is_tensor(each) else each for each in values])


@dataclass(frozen=True)
class Step:
    """What a rank computes in one step: a batch for each round; and the step's targets and tokens over all ranks."""

    rounds: list[Batch]
    targets: int
    tokens: int


def padded(examples: Sequence[Example], pad_id: int) -> Batch:
    """Lay examples out one a row."""
    longest = max(len(example.input_ids) for example in examples)

    def filled(values: list[int], filler: int) -> list[int]:
        return values + [filler] * (longest - len(values))

    predicting, answers = _targets(examples, [row * longest for row in range(len(examples))])
    return Batch(
        input_ids=torch.tensor([filled(example.input_ids, pad_id) for example in examples]),
        predicting=predicting,
        answers=answers,
        tokens=sum(len(example.input_ids) for example in examples),
        attention_mask=torch.tensor([filled([1] * len(example.input_ids), 0) for example in examples]),
    )


def packed(examples: Sequence[Example], length: int, pad_id: int) -> Batch:
    """Lay examples out end to end in one row, filled up to a length that does not change from step to step."""
    lengths = [len(example.input_ids) for example in examples]
    tokens = sum(lengths)
    fillers = [min(FILLER, length - start) for start in range(tokens, length, FILLER)]
    borders = list(accumulate([*lengths, *fillers], initial=0))
    predicting, answers = _targets(examples, borders)
    return Batch(
        input_ids=torch.tensor(
            [[*(token for example in examples for token in example.input_ids), *[pad_id] * sum(fillers)]]
        ),
        predicting=predicting,
        answers=answers,
        tokens=tokens,
        position_ids=torch.tensor([[place for start, end in pairwise(borders) for place in range(end - start)]]),
        borders=torch.tensor(borders, dtype=torch.int32),
        longest=max([*lengths, *fillers]),
    )


def lay_out(examples: Sequence[Example], recipe: Recipe, pad_id: int) -> Batch:
    """Lay the examples of one rank and round out as the recipe says."""
    return packed(examples, _room(recipe), pad_id) if recipe.packing else padded(examples, pad_id)


@dataclass(frozen=True)
class Course:
    """Which examples a rank computes in which step: `rank` is one of `ranks`."""

    examples: list[Example]
    pad_id: int
    recipe: Recipe
    rank: int
    ranks: int

    def count_steps(self) -> int:
        """Return the number of optimiser steps that the recipe asks for."""
        if self.recipe.max_steps is not None:
            return self.recipe.max_steps
        assert self.recipe.epochs is not None, "read_recipe() lets no recipe pass that has neither"
        order = islice(_shuffled_for_ever(self.examples, self.recipe.seed), self.recipe.epochs * len(self.examples))
        shares = sum(1 for _ in _shares(order, self.recipe))
        return math.ceil(shares / (self.ranks * self.recipe.gradient_accumulation))

    def steps(self, numbers: range) -> Iterator[Step]:
        """Yield the rank's part of every step of a range that counts from 0.

        All ranks walk the same shuffled order and each takes its own part of it, so that the rows of a step depend on
        nothing but its number and how many shares there are in a step.
        """
        shares = _shares(_shuffled_for_ever(self.examples, self.recipe.seed), self.recipe)
        rounds = self.recipe.gradient_accumulation
        for _ in range(numbers.start * rounds * self.ranks):
            next(shares)
        for _ in numbers:
            everyones = [list(islice(shares, self.ranks)) for _ in range(rounds)]
            rows = [example for turn in everyones for share in turn for example in share]
            yield Step(
                rounds=[lay_out(turn[self.rank], self.recipe, self.pad_id) for turn in everyones],
                targets=sum(example.targets for example in rows),
                tokens=sum(len(example.input_ids) for example in rows),
            )


def _shares(order: Iterable[Example], recipe: Recipe) -> Iterator[list[Example]]:
    """Cut an order of examples into what one rank computes in one round: so many rows, or what one long row takes."""
    share: list[Example] = []
    filled = 0
    for example in order:
        size = len(example.input_ids)
        full = filled + size > _room(recipe) if recipe.packing else len(share) == recipe.batch_per_rank
        if full:
            yield share
            share, filled = [], 0
        share.append(example)
        filled += size
    if share:
        yield share


def _room(recipe: Recipe) -> int:
    return recipe.batch_per_rank * recipe.sequence_length


def _targets(examples: Sequence[Example], starts: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Where, in a flattened batch whose examples start there, tokens are predicted that count, and which they are."""
    found = [
        (start + place - 1, label)
        for start, example in zip(starts, examples, strict=False)
        for place, label in enumerate(example.labels)
        if place and label != IGNORED
    ]
    places, answers = zip(*found, strict=True) if found else ((), ())
    return torch.tensor(places, dtype=torch.long), torch.tensor(answers, dtype=torch.long)


def _shuffled_for_ever(examples: list[Example], seed: int) -> Iterator[Example]:
    epoch = 0
    while True:
        order = list(examples)
        random.Random(f"{seed}/{epoch}").shuffle(order)  # noqa: S311 - an order of rows is no secret
        yield from order
        epoch += 1
