"""Save what was trained, once and whole, and prove that it can be used."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from .batches import padded
from .data import prompt_of
from .durable import sync
from .model import DTYPES, load_base
from .objective import Objective
from .refusal import RefusalError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from .data import Example
    from .recipe import Recipe
    from .world import World

# The same weights and kernels give the same logits but for the order of sums: rounding of the type computed in.
TOLERANCE = {"float32": 1e-3, "bfloat16": 5e-2}
# Of 16 bits, adding the adapter's part takes some; a model that is another one differs by as much as it says.
MERGED_TOLERANCE = 0.25
GENERATED_TOKENS = 8
ADAPTER = "default"


def refuse_to_overwrite(recipe: Recipe, output: Path) -> None:
    """Make sure, before hours are spent, that there is room for the result.

    Raises:
        RefusalError: the output folder holds the result of another run.
    """
    # Beside its checkpoints it is one that was never proven: they go when it is.
    unproven = any((output / "checkpoints").glob("*.json"))
    for folder in {_result(recipe, output), *([output / "model"] if recipe.merge else [])}:
        if folder.exists() and not unproven:
            raise RefusalError(f"{folder} is there already: give every run an output folder of its own")


def save(model: Any, weights: dict[str, Tensor], tokenizer: Any, recipe: Recipe, output: Path) -> Path:
    """Write the adapter or the model to OUTPUT/adapter or OUTPUT/model, whole or not at all; return the folder.

    Raises:
        RefusalError: what was written, read again, is not what was trained.
    """
    folder = _result(recipe, output)
    # Peft would add frozen embeddings to an adapter that has a target beside them.
    extra = {} if recipe.method == "full" else {"save_embedding_layers": False}

    def write(partial: Path) -> None:
        model.save_pretrained(partial, state_dict=weights, **extra)
        tokenizer.save_pretrained(partial)
        if recipe.method == "full":
            _tell_dtype(partial / "config.json", next(iter(weights.values())).dtype)
        verify_weights(partial, weights)

    _write(folder, write)
    return folder


def probe(objective: Any, example: Example, world: World) -> Tensor:
    """Return the logits for one row, on the CPU; for a sharded model all ranks have to call this together."""
    objective.eval()
    with torch.no_grad():
        return objective(padded([example], pad_id=0).to(world.device), logits=True).float().cpu()


def load_saved(folder: Path, source: str, recipe: Recipe, world: World) -> Any:
    """Load what was saved as anyone would: the base model and the adapter on it, or the model."""
    if recipe.method == "full":
        return AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=DTYPES[recipe.dtype],
            device_map={"": world.device},
            trust_remote_code=recipe.trust_remote_code,
        )
    return PeftModel.from_pretrained(load_base(recipe, source, world.device), folder)


def verify_weights(folder: Path, weights: dict[str, Tensor]) -> None:
    """Read what was saved and compare it with what was trained, tensor by tensor.

    Raises:
        RefusalError: a tensor is missing or is another.
    """
    found: dict[str, Tensor] = {}
    for path in folder.glob("*.safetensors"):
        found |= load_file(path)
    for name, trained in weights.items():
        # Peft leaves the adapter's own name out of its files; beside an embedding nothing comes after it.
        saved = found.get(name.replace(f".{ADAPTER}.", ".").removesuffix(f".{ADAPTER}"))
        if saved is None or not torch.equal(saved.to(trained.dtype), trained):
            raise RefusalError(f"{folder}: {name} is not in it as it was trained")


def merge(
    loaded: Any, expected: Tensor, recipe: Recipe, world: World, *, tokenizer: Any, example: Example, output: Path
) -> Path:
    """Write the base model with the adapter in it to OUTPUT/model, whole or not at all; return the folder.

    Raises:
        RefusalError: the merged model is another than the trained one.
    """
    folder = output / "model"
    merged = loaded.merge_and_unload()
    difference = _difference(merged, expected, example, recipe, world)
    if not difference <= MERGED_TOLERANCE:
        raise RefusalError(
            f"the merged model's logits differ from the trained one's by {difference:.2g}: set merge: false"
        )

    def write(partial: Path) -> None:
        merged.save_pretrained(partial)
        tokenizer.save_pretrained(partial)

    _write(folder, write)
    return folder


def prove(  # noqa: PLR0913 - what a model is, what it has to say, and where it goes
    loaded: Any,
    expected: Tensor,
    recipe: Recipe,
    world: World,
    *,
    tokenizer: Any,
    example: Example,
    row: dict[str, str],
    output: Path,
) -> dict[str, Any]:
    """Compare a loaded model with the trained one, let it answer a row, merge it where asked; tell what came of it.

    Raises:
        RefusalError: what was saved is not what was trained.
    """
    told: dict[str, Any] = {"difference": verify(loaded, expected, example, recipe, world)}
    told["generated"] = generate(loaded, tokenizer, row, recipe.sequence_length, world)
    if recipe.merge:
        merged = merge(loaded, expected, recipe, world, tokenizer=tokenizer, example=example, output=output)
        told["merged"] = str(merged)
    return told


def verify(loaded: Any, expected: Tensor, example: Example, recipe: Recipe, world: World) -> float:
    """Compare a loaded model with the trained one's logits; return the largest relative difference.

    Raises:
        RefusalError: what was saved is not what was trained.
    """
    difference = _difference(loaded, expected, example, recipe, world)
    if not difference <= TOLERANCE[recipe.dtype]:
        raise RefusalError(
            f"the saved weights, loaded again, differ from the trained ones by {difference:.2g} in logits"
        )
    return difference


def _difference(loaded: Any, expected: Tensor, example: Example, recipe: Recipe, world: World) -> float:
    found = probe(Objective(loaded, recipe), example, world)
    return float((found - expected).abs().max() / expected.abs().max())


def generate(loaded: Any, tokenizer: Any, row: dict[str, str], length: int, world: World) -> str:
    """Return the first tokens that a loaded model answers to a row, of which it reads so many tokens at most."""
    asked = tokenizer(
        prompt_of(row),
        return_tensors="pt",
        return_token_type_ids=False,
        truncation=True,
        max_length=max(1, length - GENERATED_TOKENS),
    ).to(world.device)
    answer = loaded.generate(
        **asked,
        do_sample=False,
        max_new_tokens=GENERATED_TOKENS,
        min_new_tokens=GENERATED_TOKENS,
        pad_token_id=tokenizer.pad_token_id,
    )
    text: str = tokenizer.decode(answer[0, asked["input_ids"].shape[1] :])
    return text


def _tell_dtype(config: Path, dtype: torch.dtype) -> None:
    """Have the weights loaded in the type that they are saved in, and not in the one that the model computed in."""
    told = json.loads(config.read_text(encoding="utf-8")) | {"dtype": str(dtype).removeprefix("torch.")}
    config.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _result(recipe: Recipe, output: Path) -> Path:
    return output / ("model" if recipe.method == "full" else "adapter")


def _write(folder: Path, write: Callable[[Path], None]) -> None:
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    write(partial)
    # The checkpoints go when this is there, so it has to be on the disk and not on its way.
    for path in (*partial.rglob("*"), partial):
        sync(path)
    # What is there was never proven, or it would have been refused at the beginning.
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    sync(folder.parent)
