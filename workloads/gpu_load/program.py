"""Puts every GPU that it sees under load at once and tells what came of it, as one line of JSON.

It is sent as text to a Python that has torch, in the training container or on the machine itself, so it imports nothing
of the house: `python3 - SECONDS DEVICE` with DEVICE `cuda`, or `cpu` for a rehearsal without figures worth a word.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import Any

import torch

SIZE = {"cuda": 8192, "cpu": 256}
"""Rows and columns of the matrices; on a GPU large enough to keep all of it busy, 128 MiB each."""

COPY_BYTES = {"cuda": 2**30, "cpu": 2**22}
"""Many times what any GPU's cache holds."""

WARM_UP_S = 1.0
SAMPLE_LIMIT_S = 20.0


class Load:
    """What one GPU works on."""

    def __init__(self, place: str) -> None:
        """Fill its matrices with numbers that are the same in every run; zeros would flatter it."""
        self.place = place
        self.device = torch.device(place)
        self.size = SIZE[self.device.type]
        numbers = torch.Generator(device=self.device).manual_seed(1)
        self.a, self.b = (self._random(numbers) for _ in range(2))
        self.c = torch.matmul(self.a, self.b)
        self.first = self.c.clone()
        self.products = 0
        self.tflops = self.copy_gb_s = 0.0

    def _random(self, numbers: torch.Generator) -> torch.Tensor:
        return torch.randn(self.size, self.size, generator=numbers, device=self.device).bfloat16()

    def multiply(self) -> None:
        """Queue one product."""
        torch.matmul(self.a, self.b, out=self.c)
        self.products += 1

    def wait(self) -> None:
        """Wait until all that was queued is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    @property
    def repeats_itself(self) -> bool:
        """Whether the last product is the first one, bit by bit."""
        return bool(torch.equal(self.c, self.first))

    @property
    def error(self) -> float:
        """How far a part of the product is from the same in float64 on the CPU, as a share of its length."""
        wanted = self.a[:16].double().cpu() @ self.b[:, :256].double().cpu()
        return float((self.c[:16, :256].double().cpu() - wanted).norm() / wanted.norm())

    def copy(self) -> None:
        """Copy within the GPU's memory, and note GB/s, counting what is read and what is written."""
        free = torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else 2**30
        length = min(COPY_BYTES[self.device.type], free // 4)
        source = torch.ones(length, dtype=torch.uint8, device=self.device)
        target = torch.empty_like(source)
        target.copy_(source)
        self.wait()
        began, copies = time.perf_counter(), 0
        while time.perf_counter() - began < 0.5:
            for _ in range(10):
                target.copy_(source)
            self.wait()
            copies += 10
        self.copy_gb_s = 2 * length * copies / (time.perf_counter() - began) / 1e9

    def told(self) -> dict[str, Any]:
        """Tell name, identity and figures."""
        known = torch.cuda.get_device_properties(self.device) if self.device.type == "cuda" else None
        return {
            "name": known.name if known else "CPU",
            "uuid": f"GPU-{known.uuid}" if known and hasattr(known, "uuid") else None,
            "tflops": self.tflops,
            "error": self.error,
            "repeats_itself": self.repeats_itself,
        }


class Sample(threading.Thread):
    """What nvidia-smi says while the load runs."""

    def __init__(self) -> None:
        """Ask at once, beside the load."""
        super().__init__(daemon=True)
        self.said: str | None = None
        self.start()

    def run(self) -> None:
        """Ask nvidia-smi; without one nothing is said."""
        try:
            done = subprocess.run(
                ["nvidia-smi", "-q", "-x"], capture_output=True, text=True, timeout=SAMPLE_LIMIT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return
        self.said = done.stdout if done.returncode == 0 else None


def multiply_for(loads: list[Load], seconds: float, sample: Sample | None = None) -> None:
    """Keep all busy for so long, and until the sample is taken; note TFLOP/s."""
    for load in loads:
        load.products = 0
        load.wait()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or (sample is not None and sample.is_alive()):
        for load in loads:
            for _ in range(5):
                load.multiply()
        for load in loads:
            load.wait()
    elapsed = time.perf_counter() - began
    for load in loads:
        load.tflops = 2 * load.size**3 * load.products / elapsed / 1e12


def measure(seconds: float, device: str) -> dict[str, Any]:
    """Load all GPUs and tell what came of it."""
    if device == "cuda" and torch.version.cuda is None:
        return {"lacking": "its torch is built without CUDA"}
    if device == "cuda":
        torch.cuda.init()
    places = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if device == "cuda" else ["cpu"]
    loads = [Load(place) for place in places]
    multiply_for(loads, WARM_UP_S)
    multiply_for(loads, seconds)
    told = [load.told() for load in loads]
    # Asked last, since heat takes its time; and before the copies, which leave most of a GPU idle.
    sample = Sample()
    multiply_for(loads, 0.0, sample)
    for load, each in zip(loads, told, strict=True):
        load.copy()
        each["copy_gb_s"] = load.copy_gb_s
    return {"gpus": told, "smi": sample.said}


def main() -> None:
    """Print what came of it, or why nothing did."""
    try:
        told = measure(float(sys.argv[1]), sys.argv[2])
    except (RuntimeError, AssertionError) as error:  # how torch tells of CUDA's errors
        told = {"failure": " ".join(str(error).split())[:500]}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
