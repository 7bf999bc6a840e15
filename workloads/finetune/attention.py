"""How attention is computed, and how it is told where packed examples begin."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch
from transformers import AttentionInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.utils import is_flash_attn_2_available

try:
    # PyTorch's own flash attention over examples of different lengths that lie end to end.
    from torch.nn.attention.varlen import varlen_attn
except ImportError:
    varlen_attn = None

from .refusal import RefusalError

if TYPE_CHECKING:
    from torch import Tensor

    from .batches import Batch
    from .recipe import Recipe

VARLEN = "varlen"


def _knows(*names: str) -> bool:
    return varlen_attn is not None and set(names) <= inspect.signature(varlen_attn).parameters.keys()


# torch 2.10 has it without these two.
HAS_VARLEN = _knows("scale", "window_size")
# Fewer heads of keys than of queries: torch 2.11 takes them as they are, later versions want to be told.
_GROUPED: dict[str, Any] = {"enable_gqa": True} if _knows("enable_gqa") else {}


def set_attention(model: Any, recipe: Recipe, device: torch.device) -> str:
    """Set a model's attention to what the recipe asks for, and return it; `auto` is the fastest that there is here.

    `sdpa` works everywhere: transformers derives a block-diagonal mask from the positions. Without a mask, `varlen`
    and `flash_attention_2` need 16 bits on a GPU.

    Raises:
        RefusalError: it cannot be had here.
    """
    wanted = recipe.attention if recipe.attention != "auto" else _fastest(recipe, device)
    if wanted == VARLEN:
        if not HAS_VARLEN:
            raise RefusalError(
                f"attention: torch {torch.__version__} has no varlen as it is needed: set auto, or take torch 2.11"
            )
        AttentionInterface.register(VARLEN, _varlen)
    try:
        model.set_attn_implementation(wanted)
    except (ImportError, ValueError) as error:
        raise RefusalError(f"attention: {wanted} cannot be had: {str(error).splitlines()[0]}") from error
    return wanted


def arguments(batch: Batch) -> dict[str, Any]:
    """Return what a transformers model is called with for a batch, by name."""
    told = {"input_ids": batch.input_ids, "use_cache": False}
    if batch.borders is None:
        return told | {"attention_mask": batch.attention_mask}
    places = {"cu_seq_lens_q": batch.borders, "cu_seq_lens_k": batch.borders}
    return (
        told
        | places
        | {"position_ids": batch.position_ids, "max_length_q": batch.longest, "max_length_k": batch.longest}
    )


def _fastest(recipe: Recipe, device: torch.device) -> str:
    if not recipe.packing or recipe.dtype != "bfloat16" or device.type != "cuda":
        return "sdpa"
    if HAS_VARLEN:
        return VARLEN
    return "flash_attention_2" if is_flash_attn_2_available() else "sdpa"


def _varlen(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **told: Any
) -> tuple[Tensor, None]:
    """Compute attention as transformers asks for it, with queries, keys, values of shape (1, heads, tokens, size)."""
    borders, longest = told.get("cu_seq_lens_q"), told.get("max_length_q")
    if borders is None:
        # Not packed. Padding is on the right, where a causal mask keeps it out of sight.
        result: tuple[Tensor, None] = ALL_ATTENTION_FUNCTIONS["sdpa"](module, query, key, value, attention_mask, **told)
        return result
    # The kernel takes 16 bits alone. Beside weights in float32 the rotation leaves queries and keys in float32, and
    # layers in four bits answer in float32 altogether.
    unknown = [name for name in ("softcap", "s_aux") if told.get(name) is not None]
    if unknown:
        raise RefusalError(f"attention: varlen knows no {unknown[0]}, which this model has: set attention: sdpa")
    dtype = torch.bfloat16 if value.dtype == torch.float32 else value.dtype
    flat = [each.transpose(1, 2).flatten(0, 1).to(dtype) for each in (query, key, value)]
    # A window counts the token itself; -1 is all that came before.
    window = ((told.get("sliding_window") or 0) - 1, 0)
    attended = varlen_attn(
        *flat, borders, borders, longest, longest, scale=told.get("scaling"), window_size=window, **_GROUPED
    )
    return attended.unsqueeze(0), None
