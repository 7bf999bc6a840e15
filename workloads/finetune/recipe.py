"""The recipe as the program reads it: the fields that training depends on.

The controller has validated the file already; here a field that is missing or of the wrong kind ends in one sentence.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import yaml

from .refusal import RefusalError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Lora:
    """The shape of the adapter; `targets` are names of linear layers."""

    rank: int
    alpha: int
    dropout: float
    targets: list[str]


@dataclass(frozen=True)
class Timeouts:
    """How long, in seconds, a rank may wait: to join, for a peer that loads, and for one step."""

    join_s: float
    load_s: float
    step_s: float


@dataclass(frozen=True)
class Needs:
    """What every node must have free, in units of 10^9 bytes.

    Memory for the run, disk in the cache for the model, and disk in the workspace for checkpoints and the result.
    """

    memory_gb: float
    disk_gb: float
    output_gb: float


@dataclass(frozen=True)
class Recipe:
    """What to train, on what, and how; `digest` is the SHA-256 of the file's bytes."""

    model: str
    revision: str | None
    trust_remote_code: bool
    method: str
    lora: Lora | None
    merge: bool
    dataset: str
    rows: int | None
    train_on_prompt: bool
    sequence_length: int
    packing: bool
    batch_per_rank: int
    gradient_accumulation: int
    epochs: int | None
    max_steps: int | None
    learning_rate: float
    warmup_steps: int
    max_grad_norm: float
    seed: int
    dtype: str
    attention: str
    gradient_checkpointing: bool
    compile: bool
    sharding: str
    checkpoint_every: int | None
    keep_checkpoints: int
    needs: Needs
    timeouts: Timeouts
    digest: str


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        RefusalError: the file is missing, is not YAML, or lacks a field.
    """
    try:
        content = path.read_bytes()
        told = yaml.safe_load(content)
    except OSError as error:
        raise RefusalError(f"{path}: the recipe cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise RefusalError(f"{path}: the recipe is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(told, dict):
        raise RefusalError(f"{path}: the recipe is not a mapping of fields to values")
    # Fields beyond these (a description, a reference throughput) are the controller's.
    told["digest"] = hashlib.sha256(content).hexdigest()
    told["timeouts"] = _section(path, Timeouts, told.get("timeouts"))
    told["needs"] = _section(path, Needs, told.get("needs"))
    told["lora"] = told.get("lora") and _section(path, Lora, told["lora"])
    recipe: Recipe = _section(path, Recipe, told)
    if recipe.method not in {"lora", "qlora", "full"} or (recipe.method == "full") != (recipe.lora is None):
        raise RefusalError(f"{path}: method is lora or qlora (with a section lora) or full (with lora: null)")
    if (recipe.epochs is None) == (recipe.max_steps is None):
        raise RefusalError(f"{path}: give a number for either epochs or max_steps, and null for the other")
    if recipe.attention in {"varlen", "flash_attention_2"} and recipe.dtype != "bfloat16":
        raise RefusalError(f"{path}: attention {recipe.attention} computes in bfloat16: set dtype: bfloat16, or sdpa")
    return recipe


def _section(path: Path, kind: type[Any], told: object) -> Any:
    names = [field.name for field in fields(kind)]
    if not isinstance(told, dict) or not all(name in told for name in names):
        missing = [name for name in names if not isinstance(told, dict) or name not in told]
        raise RefusalError(f"{path}: {kind.__name__.lower()} lacks {', '.join(missing)}")
    return kind(**{name: told[name] for name in names})
