"""How fast all ranks together move data: all_gather and all_reduce, as nccl-tests measures them.

Arguments: RANK WORLD ADDRESS PORT DEVICE. It is handed to Python as it stands and needs torch alone. Its last line is a
JSON object: `figures`, or `failure` in one sentence. What NCCL says of its choices stands before it.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import sys
import time
from pathlib import Path

LARGEST = 4 * 2**30
"""Bytes; larger messages have frozen machines whose GPU shares the memory."""
LARGEST_ON_CPU = 2**24
SMALLEST = 2**20
ROUNDS = 5


def available_memory() -> int:
    """Bytes that the machine can give without swapping."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return int(found[1]) * 1024 if found else 0


def measure(rank: int, world: int, address: str, port: str, kind: str) -> list[dict[str, object]]:
    """Join the other ranks and measure."""
    import torch  # noqa: PLC0415 - a machine may lack it, which is told as a failure
    import torch.distributed as dist  # noqa: PLC0415

    device = torch.device("cuda", 0) if kind == "cuda" else torch.device("cpu")
    dist.init_process_group(
        "nccl" if kind == "cuda" else "gloo",
        init_method=f"tcp://{address}:{port}",
        rank=rank,
        world_size=world,
        timeout=datetime.timedelta(seconds=60),
    )
    memory = available_memory()
    # A GPU that shares the machine's memory, as in a DGX Spark, counts what the kernel could free as taken.
    if kind == "cuda" and not torch.cuda.get_device_properties(device).is_integrated:
        memory = min(memory, torch.cuda.mem_get_info()[0])
    # Input and output of both collectives, and room for whoever else is there.
    size = torch.tensor(min(LARGEST if kind == "cuda" else LARGEST_ON_CPU, memory // 8), device=device)
    dist.all_reduce(size, op=dist.ReduceOp.MIN)
    if int(size) < SMALLEST:
        raise MemoryError(f"{int(size) * 8 // 2**20} MiB of memory are free, too little to measure with")
    count = int(size) // 4 // world * world
    whole = torch.ones(count, device=device)
    part = torch.ones(count // world, device=device)

    def seconds(collective: object) -> float:
        for repeat in range(ROUNDS + 1):
            if repeat == 1:  # the first one makes the connections
                started = _now(torch, kind)
            collective()  # type: ignore[operator]  # a function without arguments
        return (_now(torch, kind) - started) / ROUNDS

    gathered = seconds(lambda: dist.all_gather_into_tensor(whole, part))
    reduced = seconds(lambda: dist.all_reduce(whole))
    dist.barrier()
    dist.destroy_process_group()
    share = (world - 1) / world
    return [figure("all_gather", count * 4, gathered, share), figure("all_reduce", count * 4, reduced, 2 * share)]


def _now(torch: object, kind: str) -> float:
    if kind == "cuda":
        torch.cuda.synchronize()  # type: ignore[attr-defined]  # torch itself
    return time.monotonic()


def figure(name: str, size: int, seconds: float, factor: float) -> dict[str, object]:
    """Put one measurement in nccl-tests' terms: algorithm bandwidth, and bus bandwidth, in GB/s."""
    algorithm = size / seconds / 1e9
    return {"name": name, "bytes": size, "algorithm_gb_s": algorithm, "bus_gb_s": algorithm * factor}


def main() -> None:
    """Measure, and tell it."""
    # What the image sets itself would keep back the way that NCCL goes.
    os.environ.update(NCCL_DEBUG="INFO", NCCL_DEBUG_SUBSYS="INIT,NET")
    os.environ.pop("NCCL_DEBUG_FILE", None)
    os.environ.setdefault("NCCL_NVLS_ENABLE", "0")
    rank, world, address, port, kind = sys.argv[1:]
    try:
        told: dict[str, object] = {"figures": measure(int(rank), int(world), address, port, kind)}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told where one looks for it
        told = {"failure": f"{type(error).__name__}: {(str(error).splitlines() or ['no reason'])[0]}"}
    print(f"\n{json.dumps(told)}", flush=True)


if __name__ == "__main__":
    main()
