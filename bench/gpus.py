"""Time the fine-tune on one GPU and on all, if there are several, and the collective probe beside the plainest loop.

    PYTHONPATH=workloads python bench/gpus.py --lora FOLDER8B --full FOLDER3B [--large FOLDER70B]

The folders are those that `bench/make_model.py` made. Of the 8B in shards, weights, gradients and moments do not fit on
one GPU. Every line of JSON is told as soon as it is known.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import torch
from contest import WORKLOADS, matmul_flops, tell, write_recipe

LIMIT_S = 420
PLAIN_LOOP = Path(__file__).parent / "plain_collectives.py"


def _start(command: list[str], rank: int, world: int, port: int, **more: str) -> subprocess.Popen[str]:
    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world)}
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)} if world > 1 else {}
    return subprocess.Popen(
        [sys.executable, *command], env={**os.environ, **place, **meeting, **more},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Wait for all ranks and return the first one's lines.

    Raises:
        RuntimeError: a rank failed; with the end of what it said.
    """
    try:
        with ThreadPoolExecutor(len(processes)) as pool:
            said = list(pool.map(lambda process: process.communicate(timeout=LIMIT_S), processes))
    finally:
        for process in processes:
            process.kill()
    for process, (out, err) in zip(processes, said, strict=True):
        if process.returncode:
            raise RuntimeError(f"ended with {process.returncode}: {out[-600:]} {err[-600:]}")
    return said[0][0].splitlines()


def fine_tune(recipe: Path, folder: Path, world: int) -> dict[str, Any]:
    """Run the program as so many ranks, and return what the first one told."""
    port, told = _free_port(), [f"--world-size={world}", "--device=cuda"]
    lines = _finish(
        [
            _start(["-m", "finetune", f"--recipe={recipe}", f"--output={folder}/out{rank}", *told], rank, world, port)
            for rank in range(world)
        ]
    )
    events = [json.loads(line) for line in lines if line.startswith('{"event"')]
    steps = [event for event in events if event["event"] == "step"]
    (model,) = [event for event in events if event["event"] == "model"]
    (saved,) = [event for event in events if event["event"] == "saved"]
    (end,) = [event for event in events if event["event"] == "end"]
    full = max(step["tokens"] for step in steps)
    return {
        "gpus": world,
        # The last step of an epoch has fewer rows than a step takes.
        "tokens_per_s": median(step["tokens_per_s"] for step in steps[1:] if step["tokens"] > 0.9 * full),
        "tokens_a_step": full,
        "steps": len(steps),
        "memory_gb": round(steps[-1]["memory_mb"] * 2**20 / 1e9, 1),
        "parameters": model["parameters"],
        "loss": [end["loss_first"], end["loss_last"]],
        "saved": {name: value for name, value in saved.items() if name in {"reloaded", "difference", "left_out"}},
    }


def collectives(world: int) -> dict[str, Any]:
    """Run the probe of step 10 and the plain loop, one after the other, and return bus bandwidths and their ratio."""
    told: dict[str, dict[str, float]] = {}
    for name, program in (("probe", WORKLOADS / "collective/program.py"), ("plain loop", PLAIN_LOOP)):
        port = str(_free_port())
        lines = _finish(
            [
                _start(
                    [str(program), str(rank), str(world), "127.0.0.1", port, "cuda"],
                    rank, world, int(port), CUDA_VISIBLE_DEVICES=str(rank),
                )
                for rank in range(world)
            ]
        )  # fmt: skip
        # NCCL may have a last word.
        answer = json.loads(next(line for line in reversed(lines) if line.startswith("{")))
        if "failure" in answer:
            raise RuntimeError(answer["failure"])
        told[name] = {one["name"]: one["bus_gb_s"] for one in answer["figures"]}
    return {**told, "ratio": {name: told["probe"][name] / told["plain loop"][name] for name in told["probe"]}}


def main() -> None:
    """Run all, on one GPU and on all that there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lora", type=Path, help="the 8B model")
    parser.add_argument("--full", type=Path, help="the 3B model")
    parser.add_argument("--large", type=Path, help="the 70B model, for four GPUs of 80 GB or two of 141")
    parser.add_argument("--only", nargs="*", default=[], help="words of the lines to run")
    arguments = parser.parse_args()
    world = torch.cuda.device_count()
    rate = matmul_flops()
    tell("matmul", {"tflops": rate / 1e12, "torch": torch.__version__, "device": torch.cuda.get_device_name()})
    torch.cuda.empty_cache()
    lora = {"recipe": "llama3-8b-lora", "rows": 512, "epochs": 5, "max_steps": None}
    # No checkpoints are kept here, for which the recipe asks for most of the disk.
    needs = {"memory_gb": 76, "disk_gb": 1, "output_gb": 40}
    three = {"recipe": "llama3-3b-full", "rows": 512, "max_steps": 16, "needs": needs}
    large = {**three, "max_steps": 8, "batch_per_rank": 2, "sharding": "fsdp2", "gradient_checkpointing": True}
    # What the recipe asks for is reckoned for two nodes, each with half of the weights.
    seventy = {
        "recipe": "llama3-70b-lora",
        "rows": 512,
        "max_steps": 8,
        "needs": {"memory_gb": 70, "disk_gb": 1, "output_gb": 1},
    }
    contestants: list[tuple[str, Path | None, dict[str, Any], int]] = [
        ("8B LoRA", arguments.lora, lora, 1),
        ("8B LoRA, several", arguments.lora, lora, world),
        ("3B full", arguments.full, three, 1),
        ("3B full, several", arguments.full, three, world),
        ("8B full in shards, several", arguments.lora, large, world),
        ("8B qLoRA", arguments.lora, {**lora, "method": "qlora", "epochs": 2, "gradient_checkpointing": True}, 1),
        ("3B full in shards, several", arguments.full, {**three, "sharding": "fsdp2"}, world),
        ("70B LoRA in shards, several", arguments.large, seventy, world),
    ]
    for what, model, changes, ranks in contestants:
        if model is None:
            continue
        unwanted = arguments.only and not any(word in what for word in arguments.only)
        if unwanted or (world == 1 and what.endswith("several")):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                told = fine_tune(write_recipe(Path(folder), model, dict(changes)), Path(folder), ranks)
            except (RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
                told = {"error": str(error)[-1500:]}
            else:
                operations = (6 if "full" in changes["recipe"] else 4) * told["parameters"]
                told["of_matmul"] = told["tokens_per_s"] * operations / rate / ranks
            tell(what, told)
    if world > 1 and (not arguments.only or "collectives" in arguments.only):
        tell("collectives", collectives(world))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    main()
