"""The loss of rows that are packed against that of the same rows padded, on this machine's device, as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from finetune import data
from finetune.attention import set_attention
from finetune.batches import packed, padded
from finetune.model import load_base, load_tokenizer, prepare_to_train
from finetune.objective import Objective
from finetune.recipe import read_recipe
from finetune.world import choose_device


def main() -> None:
    """Compare them on as many rows as a packed row takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, required=True)
    recipe = read_recipe(parser.parse_args().recipe)
    device = choose_device(None)
    tokenizer = load_tokenizer(recipe, recipe.model)
    examples = data.encode_all(data.load_rows(recipe.dataset, 32), tokenizer, recipe)
    model = prepare_to_train(recipe, load_base(recipe, recipe.model, device))
    attention = set_attention(model, recipe, device)
    objective = Objective(model, recipe).eval()
    room = sum(len(example.input_ids) for example in examples) + 100
    with torch.no_grad():
        together = objective(packed(examples, room, 0).to(device)).item()
        apart = [objective(padded(examples[start : start + 4], 0).to(device)).item() for start in range(0, 32, 4)]
    difference = abs(together - sum(apart)) / sum(apart)
    print(json.dumps({"packed": together, "padded": sum(apart), "difference": difference, "attention": attention}))


if __name__ == "__main__":
    main()
