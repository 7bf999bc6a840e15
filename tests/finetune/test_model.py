"""A model is loaded and given its adapter, or refused in one sentence that is true."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from workloads.finetune.recipe import Recipe, read_recipe
from workloads.finetune.refusal import RefusalError
from workloads.recipe import find_recipe

torch = pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

from workloads.finetune import model as models  # noqa: E402 - only where torch is
from workloads.finetune.tiny import make_tiny  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = read_recipe(find_recipe("tiny"))
ROWS = [{"instruction": f"Say {word}.", "input": "", "output": word} for word in ("yes", "no", "perhaps")]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tiny")
    make_tiny(ROWS, folder, seed=7)
    return str(folder)


def _adapted(source: str, *targets: str, **changes: Any) -> Any:
    assert RECIPE.lora is not None
    recipe: Recipe = replace(RECIPE, model=source, lora=replace(RECIPE.lora, targets=list(targets)), **changes)
    return models.prepare_to_train(recipe, models.load_base(recipe, source, torch.device("cpu")))


def test_targets_that_are_layers_get_an_adapter(tiny: str) -> None:
    _adapted(tiny, "q_proj", "mlp.up_proj", "lm_head")


def test_a_misspelt_target_beside_a_right_one_is_named(tiny: str) -> None:
    with pytest.raises(RefusalError, match=r"lora\.targets: .* has no layer named gate_projj or proj: correct it"):
        _adapted(tiny, "q_proj", "gate_projj", "proj")


def test_an_adapter_tells_the_revision_of_its_base(tiny: str, tmp_path: Path) -> None:
    _adapted(tiny, "q_proj", revision="abc123").save_pretrained(tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text())["revision"] == "abc123"


def test_an_old_torchao_of_the_image_is_named(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    from peft.import_utils import is_torchao_available  # noqa: PLC0415 - only where peft is

    for file, text in {
        "torchao/__init__.py": "",
        "torchao-0.14.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: torchao\nVersion: 0.14.0\n",
    }.items():
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    is_torchao_available.cache_clear()
    request.addfinalizer(is_torchao_available.cache_clear)
    with pytest.raises(RefusalError, match=r"brings a package that peft cannot work beside: .*torchao.* 0\.14\.0"):
        _adapted(tiny, "q_proj")


class HubError(OSError):
    """What the hub's client raises, as far as it is looked at."""

    def __init__(self, status: int) -> None:
        super().__init__("any words")
        self.response = type("Response", (), {"status_code": status})


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "the hub refuses the model"), (403, "the hub refuses the model"), (404, "cannot be loaded")],
)
def test_a_hub_that_refuses_is_told_from_the_exception_that_is_behind_another(
    monkeypatch: pytest.MonkeyPatch, status: int, told: str
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("org/name cannot be had") from HubError(status)

    monkeypatch.setattr("workloads.finetune.model.AutoTokenizer.from_pretrained", refused)
    with pytest.raises(RefusalError, match=told):
        models.load_tokenizer(RECIPE, "org/name")


@pytest.mark.parametrize("name", ["run-4012", "aggregated-8b", "gated"])
def test_a_name_with_such_a_figure_in_it_is_not_taken_for_a_refusal(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusalError, match="the model cannot be loaded"):
        models.load_tokenizer(RECIPE, str(tmp_path / name))
