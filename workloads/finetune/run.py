"""One run, from joining to the saved result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from transformers.utils import logging as transformers_logging

from . import data, guard, save
from .attention import set_attention
from .batches import Course, padded
from .checkpoints import Checkpoints
from .model import DTYPES, compile_layers, count_parameters, load_base, load_tokenizer, map_base, prepare_to_train
from .objective import Objective, check_loss
from .optimizer import Optimizer, give_copies
from .parallel import collect_trained, exchange_once, forget_weights, spread, unwrapped
from .preflight import check_memory, fits
from .tiny import make_tiny
from .train import train
from .world import choose_device, join

if TYPE_CHECKING:
    from pathlib import Path

    from .data import Example
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

    def enter(phase: str, doing: str, limit_s: float | None) -> None:
        metrics.phase(phase)
        watchdog.expect(doing, limit_s)

    enter("joining", "joining the other ranks", recipe.timeouts.join_s)
    world = _join(recipe, device, metrics, watchdog)

    enter("data", "loading the data", None)
    rows = data.load_rows(recipe.dataset, recipe.rows)
    digest = data.digest_rows(rows)
    guard.agree("the data", digest, f"copy one {recipe.dataset} to all nodes")

    enter("model", "loading the model", None)
    source = _source(recipe, output, rows, world)
    tokenizer = load_tokenizer(recipe, source)
    examples = _encode(rows, tokenizer, recipe)
    model, fingerprint = _load(recipe, source, world)
    attention = set_attention(model, recipe, world.device)
    counts = count_parameters(model)
    metrics.emit("model", **counts, rows=len(rows), rows_left_out=len(rows) - len(examples), attention=attention)
    objective, optimizer = _prepare(model, recipe, world)
    _try_out(objective, examples, tokenizer.pad_token_id, recipe, world)
    if recipe.compile:
        compile_layers(model)

    metrics.phase("training")
    # Dropout has to differ between ranks; all that had to be equal is made.
    torch.manual_seed(recipe.seed + world.rank)
    identity = {"the recipe": recipe.digest, "the data": digest, "the model": fingerprint}
    checkpoints = Checkpoints(output / "checkpoints", identity, recipe.keep_checkpoints, world)
    tally = train(
        objective,
        optimizer,
        Course(examples, tokenizer.pad_token_id, recipe, world.rank, world.size),
        world,
        checkpoints=checkpoints,
        metrics=metrics,
        watchdog=watchdog,
    )

    enter("saving", "gathering the weights", recipe.timeouts.load_s)
    objective = unwrapped(objective)
    weights, weights_digest = collect_trained(optimizer.weights, keep=world.rank == 0)
    guard.agree("the trained weights", weights_digest, "they did not train one model: compare the network and the GPUs")
    expected = save.probe(objective, examples[0], world)
    if world.rank == 0:
        watchdog.expect("saving", None)
        folder = save.save(model, weights, tokenizer, recipe, output)
        # The trained model makes room for the one that is loaded again.
        del model, objective, optimizer, weights
        if fits(counts["parameters"], recipe, world.device):
            loaded = save.load_saved(folder, source, recipe, world)
            told = save.prove(
                loaded, expected, recipe, world, tokenizer=tokenizer, example=examples[0], row=rows[0], output=output
            )
        else:
            told = {"left_out": "loading it as a model, and merging it: one node's memory is too small for the whole"}
        # What was left out is compared tensor by tensor; a merged model that was asked for and is not there is not.
        metrics.emit("saved", path=str(folder), reloaded=not recipe.merge or "merged" in told, **told)
    watchdog.expect("waiting for the first rank to save", None)
    dist.barrier()
    checkpoints.clear()
    metrics.emit("end", weights_sha256=weights_digest, **tally.as_event())
    dist.destroy_process_group()


def _join(recipe: Recipe, device: str | None, metrics: Metrics, watchdog: Watchdog) -> World:
    """Become one job, and agree on all that can be compared before data and model are loaded."""
    chosen = choose_device(device)
    check_memory(chosen, recipe)
    world = join(chosen, recipe.timeouts.load_s, recipe.sharding == "fsdp2")
    watchdog.blame = world.progress.explain_wait
    guard.check_ranks()
    versions = guard.versions()
    metrics.emit(
        "start",
        world_size=world.size,
        host=world.hosts[world.rank],
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


def _try_out(objective: Any, examples: list[Example], pad_id: int, recipe: Recipe, world: World) -> None:
    """Know before the first step that what is minimised is the model's loss, and be past all that happens but once."""
    check_loss(unwrapped(objective), examples, pad_id, recipe, world)
    forget_weights(objective)
    exchange_once(objective, padded(examples[:1], pad_id).to(world.device))


def _prepare(model: Any, recipe: Recipe, world: World) -> tuple[Any, Optimizer]:
    """Return what is minimised, spread over the ranks, and what trains it."""
    # Shards take care of it themselves, and of an adapter the weights are small enough to be cast in every pass.
    copied = recipe.method == "full" and not world.sharded
    originals = give_copies(model, DTYPES[recipe.dtype]) if copied else {}
    objective = spread(Objective(model, recipe), world)
    # Only now the model's weights are those that are trained: where it is sharded, the shards.
    return objective, Optimizer(model, originals, recipe, world.device)


def _source(recipe: Recipe, output: Path, rows: list[dict[str, str]], world: World) -> str:
    """Return where the model is loaded from, having made it if it is the tiny one."""
    if recipe.model != "tiny":
        return recipe.model
    # More threads gain such a model nothing, and they fight where the nodes of a lab share a few cores.
    torch.set_num_threads(1)
    folder = output / f"tiny-rank{world.rank}"
    make_tiny(rows, folder, recipe.seed)
    return str(folder)


def _encode(rows: list[dict[str, str]], tokenizer: Any, recipe: Recipe) -> list[data.Example]:
    """Turn the rows into tokens, the same on every rank."""
    examples = data.encode_all(rows, tokenizer, recipe)
    guard.agree("the tokens", data.digest_examples(examples), f"have one revision of {recipe.model} on all nodes")
    return examples


def _load(recipe: Recipe, source: str, world: World) -> tuple[Any, str]:
    """Load the model to train, the same on every rank; return it and its fingerprint."""
    torch.manual_seed(recipe.seed)
    # A model that is going to be sharded may not fit into one node's memory.
    base = map_base(recipe, source) if world.sharded else load_base(recipe, source, world.device)
    model = prepare_to_train(recipe, base)
    fingerprint = guard.fingerprint(model)
    guard.agree("the model", fingerprint, f"have one revision of {recipe.model} on all nodes")
    return model, fingerprint
