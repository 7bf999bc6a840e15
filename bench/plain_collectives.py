"""The plainest loop over all_gather and all_reduce that there is, for what the probe of step 10 is compared with.

Arguments: RANK WORLD ADDRESS PORT DEVICE, as for the probe; its last line is JSON with the same figures.
"""

from __future__ import annotations

import json
import sys
import time

import torch
import torch.distributed as dist

BYTES = 4 * 2**30
REPEATS = 5


def main() -> None:
    """Measure both on one tensor of 4 GiB, each after one round to make the connections."""
    rank, world, address, port, _ = sys.argv[1:]
    dist.init_process_group("nccl", init_method=f"tcp://{address}:{port}", rank=int(rank), world_size=int(world))
    size = int(world)
    whole = torch.ones(BYTES // 4 // size * size, device="cuda")
    part = torch.ones(whole.numel() // size, device="cuda")
    figures = []
    for name, factor in (("all_gather", 1), ("all_reduce", 2)):
        for repeat in range(REPEATS + 1):
            if repeat == 1:
                torch.cuda.synchronize()
                began = time.monotonic()
            if name == "all_gather":
                dist.all_gather_into_tensor(whole, part)
            else:
                dist.all_reduce(whole)
        torch.cuda.synchronize()
        rate = whole.numel() * 4 * REPEATS / (time.monotonic() - began) / 1e9
        figures.append({"name": name, "bus_gb_s": rate * factor * (size - 1) / size})
    dist.destroy_process_group()
    print(json.dumps({"figures": figures}), flush=True)


if __name__ == "__main__":
    main()
