"""Recipes as the controller reads them: what to fine-tune, how, what it needs, and what to expect of it.

A recipe file states every field, so that it is whole wherever it is copied; `finetune/recipe.py` reads the same file
on the nodes, where there is no pydantic.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cluster.errors import InventoryError
from cluster.paths import is_file
from cluster.yaml_lines import lines_of

RECIPES = Path(__file__).parent / "recipes"

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Text = Annotated[str, Field(min_length=1)]


class RecipeError(ValueError):
    """A recipe that cannot be used; the message is one sentence that names the file and the field."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Lora(_Section):
    """The adapter: its rank, its scale (alpha over rank), and the names of the linear layers it sits beside."""

    rank: Count
    alpha: Count
    dropout: Annotated[float, Field(ge=0, lt=1)]
    targets: Annotated[list[Text], Field(min_length=1)]


class Timeouts(_Section):
    """How long, in seconds, a rank may wait: to join, for a peer that loads, and for one step."""

    join_s: Positive
    load_s: Positive
    step_s: Positive


class Needs(_Section):
    """What every node must have free, in units of 10^9 bytes.

    Memory for the run, disk in the cache for the model, and disk in the workspace for checkpoints and the result.
    """

    memory_gb: Positive
    disk_gb: Positive
    output_gb: Positive


class Reference(_Section):
    """A throughput that was measured, in real tokens per second and node, on what GPU (CUDA's name), and how."""

    tokens_per_s: Positive
    gpu: Text
    measured_on: Text


class Recipe(_Section):
    """One fine-tune.

    `model` is `tiny` (made on the spot), a path or a hub name; `revision` is a branch, tag or commit of it on the hub.
    `dataset` is a `.json` or `.jsonl` file, relative to the folder the program runs in, or a hub name; `rows` takes so
    many from its beginning. Exactly one of `epochs` and `max_steps` is a number. With `packing`, a batch is one row of
    `batch_per_rank` times `sequence_length` tokens; without, so many padded rows. `merge` saves the base model with the
    adapter in it as well. `checkpoint_every` counts steps.
    """

    description: Text
    model: Text
    revision: Text | None
    trust_remote_code: bool
    method: Literal["lora", "qlora", "full"]
    lora: Lora | None
    merge: bool
    dataset: Text
    rows: Count | None
    train_on_prompt: bool
    sequence_length: Annotated[int, Field(ge=8)]
    packing: bool
    batch_per_rank: Count
    gradient_accumulation: Count
    epochs: Count | None
    max_steps: Count | None
    learning_rate: Positive
    warmup_steps: Annotated[int, Field(ge=0)]
    max_grad_norm: Positive
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    dtype: Literal["float32", "bfloat16"]
    attention: Literal["auto", "varlen", "sdpa", "flash_attention_2"]
    gradient_checkpointing: bool
    compile: bool
    sharding: Literal["none", "fsdp2"]
    checkpoint_every: Count | None
    keep_checkpoints: Count
    timeouts: Timeouts
    needs: Needs
    reference: Reference | None

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        for wrong, rule in self._rules():
            if wrong:
                raise ValueError(rule)
        return self

    def _rules(self) -> Iterator[tuple[bool, str]]:
        yield (
            (self.method == "full") != (self.lora is None),
            "method: lora and qlora need a section lora, and method: full needs lora: null",
        )
        yield (self.epochs is None) == (self.max_steps is None), "epochs, max_steps: one is a number and the other null"
        endless = self.max_steps is not None and self.warmup_steps > self.max_steps
        yield endless, "warmup_steps: it is more than max_steps, so the learning rate would never be reached: lower it"
        sharded = self.sharding == "fsdp2"
        yield self.method == "qlora" and sharded, "sharding: four-bit weights are not sharded: set none, or method lora"
        in_16_bits = self.attention in ("varlen", "flash_attention_2")
        yield in_16_bits and self.dtype != "bfloat16", "attention: varlen and flash_attention_2 need dtype: bfloat16"
        yield self.compile and sharded, "compile: a sharded model is not compiled: set one of the two to false or none"
        yield self.merge and self.method != "lora", "merge: only an adapter beside 16 or 32 bit weights can be merged"


def list_recipes() -> list[str]:
    """Return the names of the recipes that are shipped, sorted."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def find_recipe(name_or_path: str) -> Path:
    """Return the file of a recipe that is given by name (one that is shipped) or by path.

    Raises:
        RecipeError: there is none.
    """
    own = name_or_path.endswith((".yaml", ".yml"))
    path = Path(name_or_path) if own else RECIPES / f"{name_or_path}.yaml"
    if not is_file(path):
        raise RecipeError(
            f"{name_or_path}: there is no such recipe; there are {', '.join(list_recipes())}, or give a YAML file."
        )
    if own and path.stem in list_recipes() and path.resolve().parent != RECIPES.resolve():
        raise RecipeError(f"{name_or_path}: a recipe of that name is shipped; give yours another.")
    return path


def own_recipe(name_or_path: str | None) -> Path | None:
    """Return the file of a recipe that is not shipped, or None.

    Raises:
        RecipeError: there is none.
    """
    path = find_recipe(name_or_path) if name_or_path else None
    return path if path and path.resolve().parent != RECIPES.resolve() else None


def load_recipe(name_or_path: str) -> Recipe:
    """Read and validate a recipe that is given by name or by path.

    Raises:
        RecipeError: there is none, or it is not a valid recipe.
    """
    path = find_recipe(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
        told, root = yaml.safe_load(text), yaml.compose(text)
        if root is not None:
            lines_of(root, str(path))
    except InventoryError as error:
        raise RecipeError(str(error)) from error
    # YAML's own types raise ValueError, for a date that there is not.
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: the recipe cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(told, dict):
        raise RecipeError(f"{path}: a recipe is keys with values, as in `model: tiny`; this is none.")
    return _validate(path, told)


def _validate(path: Path, told: Any) -> Recipe:
    try:
        # Strict, so that a number in quotes is not taken for a number: the nodes do not take it for one.
        return Recipe.model_validate(told, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the recipe"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise RecipeError(f"{path}: {field}: {first['msg'].removeprefix('Value error, ')}{more}") from error
