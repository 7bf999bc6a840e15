"""The model: loaded, given an adapter or not, and made ready to train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from .refusal import RefusalError

if TYPE_CHECKING:
    from .recipe import Recipe

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load_tokenizer(source: str) -> Any:
    """Load the tokenizer of a model; a tokenizer without a padding token pads with its end token.

    Raises:
        RefusalError: there is none at that path or name.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise _unavailable(source, error) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(recipe: Recipe, source: str, device: torch.device) -> Any:
    """Load the model to start from onto one device.

    Weights that stay as they are take the recipe's type. Weights that are trained stay in float32 and are only
    computed with in the recipe's type, because small updates are lost in bfloat16.

    Raises:
        RefusalError: there is none at that path or name, or the hub refuses it.
    """
    dtype = DTYPES[recipe.dtype] if recipe.method == "lora" else torch.float32
    try:
        return AutoModelForCausalLM.from_pretrained(source, dtype=dtype, device_map={"": device})
    except (OSError, ValueError) as error:
        raise _unavailable(source, error) from error


def prepare_to_train(recipe: Recipe, base: Any) -> Any:
    """Add the adapter, if the recipe has one, and switch on what training needs.

    Raises:
        RefusalError: the adapter's targets are not in the model.
    """
    model = base
    model.config.use_cache = False
    if recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if recipe.lora is not None:
        config = LoraConfig(
            r=recipe.lora.rank,
            lora_alpha=recipe.lora.alpha,
            lora_dropout=recipe.lora.dropout,
            target_modules=recipe.lora.targets,
            task_type="CAUSAL_LM",
        )
        try:
            model = get_peft_model(model, config)
        except ValueError as error:
            raise RefusalError(f"lora.targets {recipe.lora.targets} do not fit {recipe.model}: {error}") from error
    return model.train()


def count_parameters(model: torch.nn.Module) -> dict[str, int]:
    """Return how many parameters there are, and how many of them are trained."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return {"parameters": sum(size for size, _ in sizes), "trainable": sum(size for size, trained in sizes if trained)}


def _unavailable(source: str, error: Exception) -> RefusalError:
    text = str(error)
    if "gated" in text.lower() or "401" in text or "403" in text:
        return RefusalError(
            f"{source}: the hub refuses the model: accept its licence on the model's page, then set HF_TOKEN"
        )
    return RefusalError(f"{source}: the model cannot be loaded: {text.splitlines()[0]}")
