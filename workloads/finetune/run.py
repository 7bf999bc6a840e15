"""One run, from joining to the saved result."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from transformers.utils import logging as transformers_logging

from . import data, guard, save
from .model import count_parameters, load_base, load_tokenizer, prepare_to_train
from .parallel import collect_trained, spread, unwrapped
from .tiny import make_tiny
from .train import train
from .world import choose_device, join

if TYPE_CHECKING:
    from pathlib import Path

    from .metrics import Metrics
    from .recipe import Recipe
    from .watchdog import Watchdog
    from .world import World


def run(recipe: Recipe, output: Path, device: str | None, metrics: Metrics, watchdog: Watchdog) -> None:
    """Join, agree, load, train, save and load again, telling each.

    Raises:
        RefusalError: there is a reason not to go on, named in one sentence.
    """
    transformers_logging.disable_progress_bar()
    save.refuse_to_overwrite(recipe, output)

    metrics.phase("joining")
    watchdog.expect("joining the other ranks", recipe.timeouts.join_s)
    world = _join(recipe, device, metrics)

    metrics.phase("data")
    watchdog.expect("loading the data", None)
    rows = data.load_rows(recipe.dataset)
    guard.agree("the data", data.digest_rows(rows), f"copy one {recipe.dataset} to all nodes")

    metrics.phase("model")
    watchdog.expect("loading the model", None)
    source = _source(recipe, output, rows, world)
    tokenizer = load_tokenizer(source)
    examples = data.encode_all(rows, tokenizer, recipe)
    model = _load(recipe, source, world)
    metrics.emit("model", **count_parameters(model), rows=len(rows), rows_left_out=len(rows) - len(examples))
    model = spread(model, world)

    metrics.phase("training")
    # Dropout has to differ between ranks; all that had to be equal is made.
    torch.manual_seed(recipe.seed + world.rank)
    result = train(model, examples, tokenizer.pad_token_id, recipe, world, metrics=metrics, watchdog=watchdog)

    metrics.phase("saving")
    watchdog.expect("gathering the weights", recipe.timeouts.load_s)
    model = unwrapped(model)
    weights, digest = collect_trained(model, keep=world.rank == 0)
    guard.agree("the trained weights", digest, "they did not train one model: compare the network and the GPUs")
    expected = save.probe(model, examples[0], recipe, world)
    dist.barrier()
    if world.rank == 0:
        watchdog.expect("saving", None)
        folder = save.save(model, weights, tokenizer, recipe, output)
        # The trained model makes room for the one that is loaded again.
        del model, weights
        loaded = save.load_saved(folder, source, recipe, world)
        difference = save.verify(loaded, expected, examples[0], recipe, world)
        answer = save.generate(loaded, tokenizer, rows[0], world)
        metrics.emit("saved", path=str(folder), reloaded=True, difference=difference, generated=answer)
    metrics.emit("end", weights_sha256=digest, **asdict(result))
    dist.destroy_process_group()


def _join(recipe: Recipe, device: str | None, metrics: Metrics) -> World:
    """Become one job, and agree on all that can be compared before data and model are loaded."""
    world = join(choose_device(device), recipe.timeouts.load_s)
    guard.check_ranks()
    versions = guard.versions()
    metrics.emit(
        "start",
        world_size=world.size,
        host=world.host,
        versions=versions,
        device=torch.cuda.get_device_name(world.device) if world.device.type == "cuda" else "cpu",
        sharded=world.sharded,
    )
    guard.agree("the recipe", recipe.digest, "copy one file to all nodes")
    for name, version in versions.items():
        guard.agree(f"the version of {name}", version, "use one image on all nodes")
    guard.agree("the kind of device", world.device.type, "give every node's container its GPU")
    guard.agree("the sharding", str(world.sharded), "render accelerate.yaml for all nodes from one source")
    return world


def _source(recipe: Recipe, output: Path, rows: list[dict[str, str]], world: World) -> str:
    """Return where the model is loaded from, having made it if it is the tiny one."""
    if recipe.model != "tiny":
        return recipe.model
    # More threads gain such a model nothing, and they fight where the nodes of a lab share a few cores.
    torch.set_num_threads(1)
    folder = output / f"tiny-rank{world.rank}"
    make_tiny(rows, folder, recipe.seed)
    return str(folder)


def _load(recipe: Recipe, source: str, world: World) -> Any:
    """Load the model to train, the same on every rank."""
    torch.manual_seed(recipe.seed)
    # A model that is going to be sharded is laid out on the CPU first: it may not fit on one device.
    device = torch.device("cpu") if world.sharded else world.device
    model = prepare_to_train(recipe, load_base(recipe, source, device))
    guard.agree("the model", guard.fingerprint(model), f"have one revision of {recipe.model} on all nodes")
    return model
