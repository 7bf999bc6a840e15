"""From rows in Alpaca format to tokens."""

from __future__ import annotations

import hashlib
import json
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .refusal import RefusalError

if TYPE_CHECKING:
    from .recipe import Recipe

IGNORED = -100
COLUMNS = ("instruction", "input", "output")


@dataclass(frozen=True)
class Example:
    """One row in tokens; a label is IGNORED where the loss does not count it."""

    input_ids: list[int]
    labels: list[int]

    @property
    def targets(self) -> int:
        """Tokens that the loss counts; the first is predicted from nothing."""
        return sum(label != IGNORED for label in self.labels[1:])


def load_rows(dataset: str, limit: int | None = None) -> list[dict[str, str]]:
    """Read rows of instruction, input (may be empty) and output: from a `.json` or `.jsonl` file, or else from the hub.

    Args:
        dataset: the file or the name.
        limit: take so many from the beginning; None for all.

    Raises:
        RefusalError: the data set cannot be had, or a row lacks a text.
    """
    path = Path(dataset)
    try:
        rows = _from_file(path) if path.suffix in (".json", ".jsonl") else _from_hub(dataset)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RefusalError(f"{dataset}: the data set cannot be read: {reason}") from error
    if not isinstance(rows, list) or not rows:
        raise RefusalError(f"{dataset}: the data set is not a list of rows, or it is empty")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("instruction", "output")):
            raise RefusalError(f"{dataset}: row {number} needs a text under instruction and under output{_has(row)}")
        if not isinstance(row.get("input"), str | None):
            raise RefusalError(f"{dataset}: row {number} has something else than a text under input")
        if any("\ud800" <= char <= "\udfff" for key in COLUMNS for char in str(row.get(key) or "")):
            raise RefusalError(f"{dataset}: row {number} has half a character (a lone surrogate) in it")
    return [{key: row.get(key) or "" for key in COLUMNS} for row in rows[:limit]]


def digest_rows(rows: list[dict[str, str]]) -> str:
    """Return the SHA-256 of the rows' content, whatever file they came in."""
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def digest_examples(examples: list[Example]) -> str:
    """Return the SHA-256 of what a tokenizer made of the rows."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(array("q", [len(example.input_ids), *example.input_ids, *example.labels]).tobytes())
    return digest.hexdigest()


def prompt_of(row: dict[str, str]) -> str:
    """Return the text that comes before a row's answer."""
    context = f"### Input:\n{row['input']}\n\n" if row["input"] else ""
    return f"### Instruction:\n{row['instruction']}\n\n{context}### Response:\n"


def encode(row: dict[str, str], tokenizer: Any, recipe: Recipe) -> Example:
    """Turn a row into tokens, cut at the recipe's sequence length.

    Prompt and answer are encoded apart, so that the border between them is a border between tokens.
    """
    prompt = list(tokenizer(prompt_of(row))["input_ids"])
    if prompt[-1:] == [tokenizer.eos_token_id]:
        prompt.pop()  # some tokenizers end every text; the answer is yet to come
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
    kept = [example for example in examples if example.targets]
    if not kept:
        raise RefusalError(f"no row's answer begins within {recipe.sequence_length} tokens: raise sequence_length")
    return kept


def _from_file(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    return [_of_line(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _of_line(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        # By itself it takes every line for the first.
        raise ValueError(f"line {number}, column {error.colno}: {error.msg}") from error


def _has(row: object) -> str:
    return f", and has {', '.join(map(str, row))}" if isinstance(row, dict) else ""


def _from_hub(dataset: str) -> list[dict[str, str]]:
    # Imported here because it takes seconds and a local file needs none of it.
    from datasets import load_dataset  # noqa: PLC0415

    return [dict(row) for row in load_dataset(dataset, split="train")]
