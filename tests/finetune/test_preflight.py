"""A model counts as there, and goes without the checks of disk, gate and token, only where all of it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from workloads.finetune import preflight
from workloads.finetune.recipe import Needs, read_recipe
from workloads.finetune.refusal import RefusalError
from workloads.recipe import find_recipe

pytest.importorskip("huggingface_hub", reason="it is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

DATA = Path(preflight.__file__).parents[1] / "data/alpaca.json"
RECIPE = replace(read_recipe(find_recipe("tiny")), model="org/big", dataset=str(DATA))
INDEX = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
INDEXED = {"config.json": "{}", "model.safetensors.index.json": INDEX}


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.auth_check", lambda *_: None)
    model = tmp_path / "models--org--big"
    for folder in ("blobs", "refs", "snapshots/abc"):
        (model / folder).mkdir(parents=True)
    (model / "refs/main").write_text("abc")
    return model


@pytest.mark.parametrize(
    ("files", "there"),
    [
        ({"snapshots/abc/config.json": "{}"}, False),
        ({"snapshots/abc/config.json": "{}", "snapshots/abc/model.safetensors": "w"}, True),
        ({"snapshots/abc/config.json": "{}", "snapshots/abc/pytorch_model.bin": "w"}, True),
        (
            {
                "snapshots/abc/config.json": "{}",
                "snapshots/abc/model-1.safetensors": "w",
                "blobs/b.incomplete": "w",
            },
            False,
        ),
        (
            {f"snapshots/abc/{name}": text for name, text in INDEXED.items()}
            | {"snapshots/abc/model-1.safetensors": "w"},
            False,
        ),
        (
            {f"snapshots/abc/{name}": text for name, text in INDEXED.items()}
            | {f"snapshots/abc/model-{number}.safetensors": "w" for number in (1, 2)}
            | {"blobs/another.incomplete": "w"},
            True,
        ),
    ],
    ids=["settings only", "one file", "one file of the old kind", "one of several", "half of an index", "all of it"],
)
def test_a_model_is_there_where_all_of_its_weights_are(cache: Path, files: dict[str, str], there: bool) -> None:
    for name, text in files.items():
        (cache / name).write_text(text)
    assert (preflight._must_be_fetched_into(RECIPE) is None) == there


def test_an_interrupted_download_is_held_to_the_room_that_its_rest_needs(
    monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path
) -> None:
    (cache / "snapshots/abc/config.json").write_text("{}")
    (cache / "blobs/b").write_bytes(bytes(2_000_000))
    (cache / "blobs/c.incomplete").write_bytes(bytes(2_000_000))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_500_000}))
    needs = Needs(memory_gb=1, disk_gb=0.003, output_gb=0.0001)
    preflight.check_before_launch(replace(RECIPE, needs=needs), tmp_path)
    with pytest.raises(RefusalError, match="are free, and the recipe needs"):
        preflight.check_before_launch(replace(RECIPE, needs=replace(needs, disk_gb=0.004)), tmp_path)


def test_a_file_of_lines_that_is_missing_is_not_looked_for_on_the_hub(tmp_path: Path) -> None:
    recipe = replace(RECIPE, model="tiny", dataset="data/mine.jsonl")
    with pytest.raises(RefusalError, match=r"data/mine\.jsonl: the data set cannot be read: there is no such file"):
        preflight.check_before_launch(recipe, tmp_path)
