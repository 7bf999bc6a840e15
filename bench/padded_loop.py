"""The plainest loop there is: padded batches, the model's own loss, eager: what the fine-tune is compared with.

It does what a trainer with default settings does for the rows of one epoch, and nothing else; it prints one line of
JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main() -> None:
    """Train once over the rows, after two steps of warm-up, and tell the real tokens per second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    rows = json.loads((arguments.model / "rows.json").read_text())[: arguments.rows]
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(
        arguments.model, dtype=torch.bfloat16, device_map={"": arguments.device}
    )
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=TARGETS, task_type="CAUSAL_LM"))
    optimizer = torch.optim.AdamW((each for each in model.parameters() if each.requires_grad), lr=1e-4)
    texts = [f"{row['instruction']}\n{row['input']}\n{row['output']}{tokenizer.eos_token}" for row in rows]

    def step(some: list[str]) -> int:
        batch = tokenizer(some, padding=True, return_tensors="pt", return_token_type_ids=False).to(arguments.device)
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        with torch.autocast(arguments.device, torch.bfloat16):
            loss = model(**batch, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        # As a trainer that logs every step does.
        loss.item()
        return int(batch["attention_mask"].sum())

    for _ in range(2):
        step(texts[: arguments.batch])
    began = time.monotonic()
    tokens = sum(step(texts[start : start + arguments.batch]) for start in range(0, len(texts), arguments.batch))
    seconds = time.monotonic() - began
    memory = torch.cuda.max_memory_allocated() / 1e9 if arguments.device == "cuda" else 0.0
    told = {"tokens": tokens, "seconds": seconds, "tokens_per_s": tokens / seconds, "memory_gb": memory}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
