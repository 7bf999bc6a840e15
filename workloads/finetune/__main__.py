"""The program: `python -m finetune --recipe recipe.yaml --output DIR --world-size N`, under `accelerate launch`."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path

from .failure import explain
from .metrics import Metrics
from .preflight import check_before_launch
from .recipe import read_recipe
from .refusal import RefusalError
from .watchdog import EXIT_FAILED, Watchdog, die

HUB_S = 120.0
HUB_SILENT = "the hub does not answer: look at this node's way to huggingface.co, its proxy, and HF_ENDPOINT"


def main() -> int:
    """Run the fine-tune; return 0, or end the process after an error event."""
    arguments = _arguments()
    try:
        metrics = Metrics(arguments.output, int(os.environ.get("RANK", "0")))
    except RefusalError as refusal:
        print(f"finetune: {refusal}", file=sys.stderr)
        return EXIT_FAILED
    watchdog = Watchdog(metrics)
    try:
        _run(arguments, metrics, watchdog)
    except RefusalError as refusal:
        die(metrics, str(refusal), EXIT_FAILED)
    except Exception as failure:  # noqa: BLE001 - whatever it was, the watcher has to hear of it
        traceback.print_exc()
        die(metrics, explain(failure, watchdog.doing), EXIT_FAILED)
    return 0


def _run(arguments: argparse.Namespace, metrics: Metrics, watchdog: Watchdog) -> None:
    recipe = read_recipe(arguments.recipe)
    metrics.phase("checks")
    watchdog.expect("asking the hub for model and data", HUB_S, late=HUB_SILENT)
    check_before_launch(recipe, arguments.output)
    watchdog.expect("importing packages", None)
    # Imported here because torch takes seconds: the watcher hears of it first, and SIGTERM is taken care of.
    metrics.phase("imports")
    from .guard import check_world  # noqa: PLC0415
    from .run import run  # noqa: PLC0415

    check_world(arguments.world_size)
    run(recipe, arguments.output, arguments.device, metrics, watchdog)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="finetune", description="Fine-tune a model as one rank of a job.")
    parser.add_argument("--recipe", type=Path, required=True, help="what to train, on what, and how")
    parser.add_argument("--output", type=Path, required=True, help="folder for metrics and the result")
    parser.add_argument("--world-size", type=int, required=True, help="how many ranks the job has to have")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="refuse any other; default: a GPU if there is one")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
