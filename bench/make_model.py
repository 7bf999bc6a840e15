"""Make a Llama with random weights, a small tokenizer and Alpaca-like rows: for timing, without a hub.

python bench/make_model.py 8b FOLDER        16 GB of disk; 70b takes 141 GB
"""

from __future__ import annotations

import argparse
import json
import random
import string
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WRITERS = 8
BEGIN, END, PAD = "<begin>", "<end>", "<pad>"

# As in the configurations of Llama 3.1 70B and 8B and Llama 3.2 3B; `tiny` is for trying this out on a CPU.
SIZES: dict[str, dict[str, Any]] = {
    "70b": {"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64},
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


def write_model(size: str, folder: Path) -> int:
    """Write a Llama of that size in bfloat16, a few tensors at a time, and return how many parameters it has."""
    config = LlamaConfig(
        **SIZES[size],
        num_key_value_heads=8,
        vocab_size=128_256,
        max_position_embeddings=8192,
        rope_theta=500_000.0,
        rms_norm_eps=1e-5,
        tie_word_embeddings=size == "3b",
        dtype="bfloat16",
    )
    with torch.device("meta"):
        empty = LlamaForCausalLM(config)
    config.architectures = ["LlamaForCausalLM"]
    config.save_pretrained(folder)
    tied = {"lm_head.weight"} if config.tie_word_embeddings else set[str]()
    shapes = {name: tensor.shape for name, tensor in empty.state_dict().items() if name not in tied}
    place = "cuda" if torch.cuda.is_available() else "cpu"

    def write(number: int, names: list[str]) -> dict[str, str]:
        file = f"model-{number:05}.safetensors"
        # Each file has a seed of its own, so that it is the same whoever writes it first.
        chance = torch.Generator(place).manual_seed(number)
        tensors = {
            name: torch.ones(shapes[name], dtype=torch.bfloat16)
            if name.endswith("norm.weight")
            else torch.randn(shapes[name], dtype=torch.bfloat16, device=place, generator=chance).mul_(0.02).cpu()
            for name in names
        }
        save_file(tensors, folder / file, metadata={"format": "pt"})
        return dict.fromkeys(names, file)

    groups = [list(names) for _, names in groupby(shapes, key=lambda name: name.split(".")[:3])]
    with ThreadPoolExecutor(WRITERS) as pool:
        written = pool.map(write, range(len(groups)), groups)
    where = {name: file for each in written for name, file in each.items()}
    total = sum(shape.numel() for shape in shapes.values())
    index = {"metadata": {"total_size": 2 * total}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return total


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
    print(f"{write_model(arguments.size, arguments.folder):,} parameters")


if __name__ == "__main__":
    main()
