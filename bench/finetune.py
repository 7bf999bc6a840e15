"""Time the fine-tune beside simpler ones, on the same model, rows and GPU, one after the other.

    PYTHONPATH=workloads python bench/finetune.py --model FOLDER

The folder is one that `bench/make_model.py` made. Every contestant runs in a process of its own and tells its real
tokens, so padding counts for nothing. Rates are also told as a part of what a bf16 matrix product reaches on that GPU
in the same run, counting 4 N operations for a token where N parameters are frozen, and 6 N where they are trained.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import torch
from contest import matmul_flops, tell, write_recipe

HERE = Path(__file__).parent
LIMIT_S = 300


def run_ours(recipe: Path, folder: Path, device: str) -> dict[str, Any]:
    """Run the program as one rank, and return what it told, with the seconds from its launch to its first step."""
    command = [sys.executable, "-m", "finetune", "--recipe", str(recipe), "--output", str(folder / "out")]
    began = time.time()
    lines = _lines([*command, "--world-size", "1", "--device", device])
    events = [json.loads(line) for line in lines if line.startswith('{"event"')]
    steps = [event for event in events if event["event"] == "step"]
    (end,) = [event for event in events if event["event"] == "end"]
    (model,) = [event for event in events if event["event"] == "model"]
    return {
        "tokens_per_s": median(event["tokens_per_s"] for event in steps),
        "tokens_per_s_with_first_step": end["tokens"] / end["seconds"],
        "first_step_after_s": steps[0]["time"] - began,
        "memory_gb": steps[-1]["memory_mb"] * 2**20 / 1e9,
        "steps": len(steps),
        "loss": [end["loss_first"], end["loss_last"]],
        "parameters": model["parameters"],
        "attention": model["attention"],
    }


def _lines(command: list[str]) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=os.environ)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[:4])} ended with {done.returncode}: {done.stdout[-1500:]} {done.stderr[-1500:]}"
        )
    return done.stdout.splitlines()


def main() -> None:
    """Run all, telling each as a line of JSON as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--recipe", default="llama3-8b-lora")
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument(
        "--epochs", type=int, default=3, help="the first step is left out, so one has to be no large part"
    )
    parser.add_argument("--batches", type=int, nargs="+", default=[2], help="rows of 2,048 tokens in a batch")
    parser.add_argument("--compile", type=int, nargs="+", default=[0], choices=[0, 1])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--without", nargs="*", default=[], choices=["padded", "loss"])
    arguments = parser.parse_args()
    rate = matmul_flops() if arguments.device == "cuda" else float("nan")
    tell("matmul", {"tflops": rate / 1e12, "torch": torch.__version__, "device": _name(arguments.device)})
    for batch, compiled in product(arguments.batches, arguments.compile):
        changes = {"recipe": arguments.recipe, "rows": arguments.rows, "epochs": arguments.epochs, "max_steps": None}
        changes |= {"batch_per_rank": batch, "compile": bool(compiled)}
        with tempfile.TemporaryDirectory() as folder:
            try:
                recipe = write_recipe(Path(folder), arguments.model, changes)
                told = run_ours(recipe, Path(folder), arguments.device)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                told = {"error": str(error)}
            else:
                operations = (6 if arguments.recipe.endswith("full") else 4) * told["parameters"]
                told["of_matmul"] = told["tokens_per_s"] * operations / rate
            tell(f"ours, batch {batch}{', compiled' * compiled}", told)
    model = ["--model", str(arguments.model)]
    if "padded" not in arguments.without:
        padded = [str(HERE / "padded_loop.py"), *model, "--rows", str(arguments.rows), "--device", arguments.device]
        tell("padded loop", json.loads(_lines([sys.executable, *padded])[-1]))
    if "loss" not in arguments.without:
        with tempfile.TemporaryDirectory() as folder:
            recipe = write_recipe(Path(folder), arguments.model, {"recipe": arguments.recipe})
            # -P, since the program's package has the name of this file.
            command = [sys.executable, "-P", str(HERE / "same_loss.py"), "--recipe", str(recipe)]
            tell("same loss", json.loads(_lines(command)[-1]))


def _name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"


if __name__ == "__main__":
    main()
