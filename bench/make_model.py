"""Make a Llama with random weights, a small tokenizer and Alpaca-like rows: for timing, without a hub.

python bench/make_model.py 8b FOLDER        needs a GPU to make it on, and 16 GB of disk
"""

from __future__ import annotations

import argparse
import json
import random
import string
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

BEGIN, END, PAD = "<begin>", "<end>", "<pad>"

# As in the configurations of Llama 3.1 8B and Llama 3.2 3B; `tiny` is for trying this out on a CPU.
SIZES: dict[str, dict[str, Any]] = {
    "8b": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32},
    "3b": {"hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28, "num_attention_heads": 24},
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 8},
}


def make_rows(count: int) -> list[dict[str, str]]:
    """Return rows of random words whose lengths are spread as Alpaca's are: many short answers, few long ones."""
    chance = random.Random(0)  # noqa: S311 - words are no secret
    words = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 6))) for _ in range(5000)]

    def text(length: int) -> str:
        return " ".join(chance.choices(words, k=length))

    return [
        {
            "instruction": text(chance.randint(6, 20)),
            "input": text(chance.randint(3, 25)) if chance.random() < 0.4 else "",
            "output": text(int(min(700, max(2, chance.lognormvariate(3.7, 0.95))))),
        }
        for _ in range(count)
    ]


def make_tokenizer(rows: list[dict[str, str]]) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer of 16,000 words on the rows."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=16_000, special_tokens=[BEGIN, END, PAD], initial_alphabet=alphabet)
    bpe.train_from_iterator((" ".join(row.values()) for row in rows * 3), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token=BEGIN, eos_token=END, pad_token=PAD)


def make_model(size: str) -> LlamaForCausalLM:
    """Return a Llama of that size in bfloat16, made where it is fastest."""
    config = LlamaConfig(
        **SIZES[size],
        num_key_value_heads=8,
        vocab_size=128_256,
        max_position_embeddings=8192,
        rope_theta=500_000.0,
        rms_norm_eps=1e-5,
        tie_word_embeddings=size == "3b",
    )
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        return LlamaForCausalLM(config).to(torch.bfloat16)


def main() -> None:
    """Write the model and its tokenizer into a folder, and the rows beside them as rows.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    # 600, because the tokenizer is trained on all and a run may take fewer.
    rows = make_rows(600)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    (arguments.folder / "rows.json").write_text(json.dumps(rows))
    make_tokenizer(rows).save_pretrained(arguments.folder)
    torch.manual_seed(0)
    # Made in bfloat16 throughout: the 8B would not fit in float32 beside what else is on the GPU.
    torch.set_default_dtype(torch.bfloat16)
    model = make_model(arguments.size)
    model.save_pretrained(arguments.folder, max_shard_size="5GB")
    print(f"{model.num_parameters():,} parameters")


if __name__ == "__main__":
    main()
