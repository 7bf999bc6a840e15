"""The model: loaded, given an adapter or not, and made ready to train."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from huggingface_hub.errors import GatedRepoError
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from .lora import streamline
from .norms import fuse_norms
from .refusal import RefusalError

if TYPE_CHECKING:
    from .recipe import Recipe

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load_tokenizer(recipe: Recipe, source: str) -> Any:
    """Load the tokenizer of a model; a tokenizer without a padding token pads with its end token.

    Raises:
        RefusalError: there is none at that path or name, or it cannot end a text.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **_origin(recipe))
    except (OSError, ValueError) as error:
        raise _unavailable(source, error) from error
    if tokenizer.eos_token_id is None:
        raise RefusalError(f"{source}: its tokenizer has no token that ends a text, so no answer could be taught to")
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
    return _load(recipe, source, device, DTYPES["float32" if recipe.method == "full" else recipe.dtype])


def map_base(recipe: Recipe, source: str) -> Any:
    """Load the model to start from without taking memory for it: its weights stay in their files, mapped.

    So it is with weights that keep the type they have on disk, which is why weights to be trained come in that type
    and not in float32 (seen with transformers 5 and safetensors: only pages that are read count, as the file's own).

    Raises:
        RefusalError: there is none at that path or name, or the hub refuses it.
    """
    return _load(recipe, source, torch.device("cpu"), "auto" if recipe.method == "full" else DTYPES[recipe.dtype])


def _load(recipe: Recipe, source: str, device: torch.device, dtype: Any) -> Any:
    four_bits = {"quantization_config": _four_bits(dtype)} if recipe.method == "qlora" else {}
    try:
        return AutoModelForCausalLM.from_pretrained(
            source, dtype=dtype, device_map={"": device}, **four_bits, **_origin(recipe)
        )
    except (OSError, ValueError, ImportError) as error:
        raise _unavailable(source, error) from error


def _refuse_to_merge_what_is_tied(model: Any, recipe: Recipe) -> None:
    """Raise RefusalError where merging one of two layers that share their weights would change the other."""
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    if recipe.merge and model.config.tie_word_embeddings and any(hasattr(end, "lora_A") for end in ends):
        raise RefusalError(
            "merge: the model's first and last layer share their weights, and the adapter sits on one of them: take "
            "lm_head and embed_tokens out of its targets, or set merge: false"
        )


def _refuse_what_has_no_adapter(model: Any, targets: list[str], name: str) -> None:
    """Raise RefusalError where a target is no layer's name: beside one that is, peft leaves it out without a word."""
    adapted = [f".{each}" for each in model.targeted_module_names]
    if missing := [target for target in targets if not any(each.endswith(f".{target}") for each in adapted)]:
        raise RefusalError(
            f"lora.targets: {name} has no layer named {' or '.join(missing)}: correct it or leave it out"
        )


def prepare_to_train(recipe: Recipe, base: Any) -> Any:
    """Add the adapter, if the recipe has one, and switch on what training needs.

    Raises:
        RefusalError: the adapter's targets are not in the model, or the image's packages do not go together.
    """
    model = base
    model.config.use_cache = False
    fuse_norms(model)
    if recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if recipe.lora is not None:
        config = LoraConfig(
            r=recipe.lora.rank,
            lora_alpha=recipe.lora.alpha,
            lora_dropout=recipe.lora.dropout,
            target_modules=recipe.lora.targets,
            task_type="CAUSAL_LM",
            # Whoever loads the adapter by its name alone has to get the base that it was trained on.
            revision=recipe.revision,
        )
        if recipe.method == "qlora":
            model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
        try:
            model = get_peft_model(model, config)
            _refuse_what_has_no_adapter(model, recipe.lora.targets, recipe.model)
            _refuse_to_merge_what_is_tied(model, recipe)
        except ValueError as error:
            raise RefusalError(f"lora.targets {recipe.lora.targets} do not fit {recipe.model}: {error}") from error
        except ImportError as error:
            raise RefusalError(f"the image brings a package that peft cannot work beside: {error}") from error
        streamline(model)
    return model.train()


def layers_of(model: Any) -> list[Any]:
    """Return the layers that the model is a stack of, as transformers names them."""
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    names = set(base._no_split_modules or ())
    return [module for module in base.modules() if type(module).__name__ in names]


def compile_layers(model: Any) -> None:
    """Have every layer compiled when it is first called; alike as they are, they share one compilation."""
    for layer in layers_of(model):
        layer.compile()


def count_parameters(model: torch.nn.Module) -> dict[str, int]:
    """Return how many parameters there are, and how many of them are trained."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return {"parameters": sum(size for size, _ in sizes), "trainable": sum(size for size, trained in sizes if trained)}


def _origin(recipe: Recipe) -> dict[str, Any]:
    return {"revision": recipe.revision or "main", "trust_remote_code": recipe.trust_remote_code}


def _four_bits(dtype: torch.dtype) -> BitsAndBytesConfig:
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _unavailable(source: str, error: Exception) -> RefusalError:
    if not Path(source).is_dir() and _is_refusal(error):
        return RefusalError(
            f"{source}: the hub refuses the model: accept its licence on the model's page, then set HF_TOKEN"
        )
    return RefusalError(
        f"{source}: the model cannot be loaded: {next(iter(str(error).splitlines()), type(error).__name__)}"
    )


def _is_refusal(error: BaseException | None) -> bool:
    """Whether the hub said no, in an exception or in one that it was raised from."""
    if error is None:
        return False
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, GatedRepoError) or status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return True
    return _is_refusal(error.__cause__ or error.__context__)
