"""What the benchmarks of the fine-tune share: the rate they are held against, a contestant's recipe, and a result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import yaml

WORKLOADS = Path(__file__).parent.parent / "workloads"


def matmul_flops(size: int = 8192, repeats: int = 30) -> float:
    """Return the operations per second of a square bf16 matrix product of random numbers."""
    left, right = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(5):
        left @ right
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(repeats):
        left @ right
    end.record()
    torch.cuda.synchronize()
    return 2 * size**3 * repeats / (begin.elapsed_time(end) / 1000)


def write_recipe(folder: Path, model: Path, changes: dict[str, Any]) -> Path:
    """Write a shipped recipe with a model and rows of this machine, and the changes of one contestant."""
    name = changes.pop("recipe")
    fields = yaml.safe_load((WORKLOADS / f"recipes/{name}.yaml").read_text())
    told: dict[str, Any] = {"model": str(model)}
    told |= {"dataset": str(model / "rows.json"), "train_on_prompt": True, "checkpoint_every": None}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(fields | told | changes))
    return path


def tell(what: str, told: dict[str, Any]) -> None:
    """Print a result as a line of JSON."""
    print(json.dumps({"what": what, **told}), flush=True)
