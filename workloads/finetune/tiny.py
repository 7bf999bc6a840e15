"""A model and a tokenizer made on the spot: small, without a hub, and the same on every rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from .data import prompt_of

if TYPE_CHECKING:
    from pathlib import Path

END = "<end>"
PAD = "<pad>"
VOCABULARY = 512


def make_tiny(rows: list[dict[str, str]], folder: Path, seed: int) -> None:
    """Write a Llama of about 0.2 million random parameters, and a byte-level BPE tokenizer trained on the rows."""
    tokenizer = _tokenizer(rows)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        # Large enough that the frozen output layer can tell tokens apart, as a trained one does.
        initializer_range=0.2,
        tie_word_embeddings=False,
    )
    config.architectures = ["LlamaForCausalLM"]
    tokenizer.save_pretrained(folder)
    # Not by the model's own save_pretrained(): within a job it writes on the first rank alone.
    config.save_pretrained(folder)
    save_file(LlamaForCausalLM(config).state_dict(), folder / "model.safetensors", metadata={"format": "pt"})


def _tokenizer(rows: list[dict[str, str]]) -> PreTrainedTokenizerFast:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((prompt_of(row) + row["output"] for row in rows), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=END, pad_token=PAD)
