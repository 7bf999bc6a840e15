"""What can be known to be wrong before anything is downloaded or launched, each in one sentence."""

from __future__ import annotations

import gc
import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .refusal import RefusalError

if TYPE_CHECKING:
    import torch

    from .recipe import Recipe

ROOM_TO_COMPUTE = 1.2

COLUMNS = ("instruction", "output")
ROWS_IN_A_FILE = (".json", ".jsonl")


def check_before_launch(recipe: Recipe, output: Path) -> None:
    """Check the recipe's model, data and disk against this node and the hub.

    Raises:
        RefusalError: one of them will not do.
    """
    if recipe.method == "qlora" and find_spec("bitsandbytes") is None:
        raise RefusalError("method: qlora needs the package bitsandbytes, which the training image lacks")
    if recipe.model.startswith(("/", ".")) and not Path(recipe.model).is_dir():
        raise RefusalError(f"{recipe.model}: the model cannot be loaded: there is no such folder")
    room = {output: max(0.0, recipe.needs.output_gb - _taken_gb(output))}
    if recipe.model != "tiny" and not Path(recipe.model).is_dir() and (cache := _must_be_fetched_into(recipe)):
        # The hub's client begins anew with a file that it has not finished.
        room[cache] = max(0.0, recipe.needs.disk_gb - _taken_gb(cache / "blobs", but=".incomplete"))
    _check_disks(room)
    if Path(recipe.dataset).suffix in ROWS_IN_A_FILE:
        if not Path(recipe.dataset).is_file():
            raise RefusalError(f"{recipe.dataset}: the data set cannot be read: there is no such file in {Path.cwd()}")
    elif not Path(recipe.dataset).exists():
        _check_dataset(recipe.dataset)


def check_memory(device: torch.device, recipe: Recipe) -> None:
    """Compare what is free where the model will be with what the recipe needs.

    A GPU that shares the machine's memory, as in a DGX Spark, counts what the kernel could free as taken: there the
    kernel is asked.

    Raises:
        RefusalError: it is less.
    """
    free = _free(device)
    if free < recipe.needs.memory_gb * 1e9:
        raise _lacks("memory", free, recipe.needs.memory_gb, "end what else uses it, or lower batch_per_rank")


def fits(parameters: int, recipe: Recipe, device: torch.device) -> bool:
    """Whether a whole model, in the type that it is saved in, fits into what is free now, with room to compute."""
    bytes_each = 4 if recipe.method == "full" or recipe.dtype == "float32" else 2
    return parameters * bytes_each * ROOM_TO_COMPUTE < _free(device)


def _free(device: torch.device) -> int:
    import torch  # noqa: PLC0415 - what else is here works before it is loaded

    # Shards refer to each other, so that only the collector lets go of them.
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        if not torch.cuda.get_device_properties(device).is_integrated:
            return int(torch.cuda.mem_get_info(device)[0])
    return _available()


def _available() -> int:
    """Return the bytes that the kernel could give to a new program."""
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def _must_be_fetched_into(recipe: Recipe) -> Path | None:
    """Return the folder into which the model can be fetched, or None where it is whole on this node already.

    Raises:
        RefusalError: it cannot be had.
    """
    # Imported here because a run on a local model needs none of it.
    from huggingface_hub import HfApi, constants, try_to_load_from_cache  # noqa: PLC0415
    from huggingface_hub import errors as hub  # noqa: PLC0415
    from huggingface_hub.file_download import repo_folder_name  # noqa: PLC0415

    name = recipe.model
    cache = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=name, repo_type="model"))
    settings = try_to_load_from_cache(name, "config.json", revision=recipe.revision or "main")
    if isinstance(settings, str) and _has_weights(Path(settings).parent):
        return None
    try:
        HfApi().auth_check(name)
    except hub.GatedRepoError as error:
        raise RefusalError(f"{name}: the model is gated: {_how_to_get_in()}") from error
    except hub.RepositoryNotFoundError as error:
        hint = "" if _has_token() else ", or it is private and HF_TOKEN is not set"
        raise RefusalError(f"{name}: the hub knows no such model{hint}") from error
    except hub.OfflineModeIsEnabled as error:
        raise RefusalError(f"{name}: the model is not on this node, and HF_HUB_OFFLINE forbids to fetch it") from error
    except Exception as error:
        raise RefusalError(
            f"{name}: the model is not on this node, and the hub cannot be asked: {_first(error)}"
        ) from error
    return cache


def _has_weights(snapshot: Path) -> bool:
    """Whether a download came to its end: a file is among the snapshot's only when all of it is there."""
    if any((snapshot / name).is_file() for name in ("model.safetensors", "pytorch_model.bin")):
        return True
    return any(all((snapshot / name).is_file() for name in _named_in(index)) for index in snapshot.glob("*.index.json"))


def _named_in(index: Path) -> set[str]:
    told: dict[str, dict[str, str]] = json.loads(index.read_text(encoding="utf-8"))
    return set(told["weight_map"].values())


def _check_dataset(name: str) -> None:
    from datasets import load_dataset_builder  # noqa: PLC0415 - it takes seconds, and a local file needs none of it

    try:
        features: dict[str, Any] | None = load_dataset_builder(name).info.features
    except Exception as error:
        raise RefusalError(f"{name}: the data set cannot be had: {_first(error)}") from error
    if features is not None and not set(COLUMNS) <= set(features):
        raise RefusalError(
            f"{name}: the data set has the columns {', '.join(features)}, and no {' or '.join(COLUMNS)}: "
            "bring it into Alpaca's format"
        )


def _taken_gb(folder: Path, but: str | None = None) -> float:
    """Return what an earlier run has left in a folder, but for files that end so: that much less is needed."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != but) / 1e9


def _check_disks(room: dict[Path, float]) -> None:
    """Compare what is free with what goes into each folder, in GB; what goes onto one disk adds up."""
    needed: dict[int, tuple[Path, float]] = {}
    for folder, needed_gb in room.items():
        there = next(path for path in (folder, *folder.parents) if path.exists())
        place, others_gb = needed.get(there.stat().st_dev, (there, 0.0))
        needed[there.stat().st_dev] = (place, others_gb + needed_gb)
    for place, needed_gb in needed.values():
        free = shutil.disk_usage(place).free
        if free < needed_gb * 1e9:
            raise _lacks(f"disk under {place}", free, needed_gb, "remove what is not needed")


def _lacks(what: str, free: float, needed_gb: float, advice: str) -> RefusalError:
    return RefusalError(f"{free / 1e9:.1f} GB of {what} are free, and the recipe needs {needed_gb:g} GB: {advice}")


def _how_to_get_in() -> str:
    if _has_token():
        return "accept its licence on the model's page, with the account that HF_TOKEN belongs to"
    return "HF_TOKEN is not set: accept its licence on the model's page, and set HF_TOKEN to a token of that account"


def _has_token() -> bool:
    from huggingface_hub import get_token  # noqa: PLC0415 - a local model needs none of it

    return get_token() is not None


def _first(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
