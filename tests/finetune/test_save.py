"""What was saved is compared with what was trained, whether the whole model fits into memory or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workloads.finetune.recipe import read_recipe
from workloads.finetune.refusal import RefusalError
from workloads.recipe import find_recipe

torch = pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

from safetensors.torch import save_file  # noqa: E402 - only where torch is
from transformers import AutoModelForCausalLM  # noqa: E402

from workloads.finetune import preflight, save  # noqa: E402
from workloads.finetune.model import load_base, load_tokenizer, prepare_to_train  # noqa: E402
from workloads.finetune.optimizer import Optimizer, give_copies  # noqa: E402
from workloads.finetune.tiny import make_tiny  # noqa: E402

NAME = "base_model.model.layers.0.q_proj.lora_A.default.weight"
IN_FILE = "base_model.model.layers.0.q_proj.lora_A.weight"
TRAINED = {NAME: torch.tensor([1.0, 2.0])}
RECIPE = read_recipe(find_recipe("llama3-8b-lora"))
ROWS = [{"instruction": f"Say {word}.", "input": "", "output": word} for word in ("yes", "no", "perhaps")]
FULL = replace(RECIPE, method="full", lora=None)


def test_an_adapter_is_found_again_as_it_was_trained(tmp_path: Path) -> None:
    save_file({IN_FILE: torch.tensor([1.0, 2.0])}, tmp_path / "adapter_model.safetensors")
    save.verify_weights(tmp_path, TRAINED)


def test_an_adapter_on_an_embedding_is_found_again_as_peft_saves_it(tmp_path: Path) -> None:
    source = str(tmp_path / "tiny")
    make_tiny(ROWS, Path(source), seed=7)
    assert RECIPE.lora is not None
    recipe = replace(
        RECIPE, model=source, dtype="float32", lora=replace(RECIPE.lora, targets=["q_proj", "embed_tokens"])
    )
    model = prepare_to_train(recipe, load_base(recipe, source, torch.device("cpu")))
    trained = {name: each.detach() for name, each in model.named_parameters() if each.requires_grad}
    assert any(name.endswith("lora_embedding_A.default") for name in trained)
    assert save.save(model, trained, load_tokenizer(recipe, source), recipe, tmp_path).is_dir()


def test_a_model_is_loaded_in_the_type_that_its_weights_are_saved_in(tmp_path: Path) -> None:
    source = str(tmp_path / "tiny")
    make_tiny(ROWS, Path(source), seed=7)
    recipe = replace(FULL, model=source, dtype="bfloat16")
    model = prepare_to_train(recipe, load_base(recipe, source, torch.device("cpu")))
    originals = give_copies(model, torch.bfloat16)
    weights = Optimizer(model, originals, recipe, torch.device("cpu")).weights
    folder = save.save(model, weights, load_tokenizer(recipe, source), recipe, tmp_path)
    assert AutoModelForCausalLM.from_pretrained(folder).dtype == torch.float32


@pytest.mark.parametrize("saved", [{IN_FILE: torch.tensor([1.0, 2.5])}, {"another": torch.tensor([1.0, 2.0])}])
def test_what_was_saved_otherwise_is_named(tmp_path: Path, saved: dict[str, Any]) -> None:
    save_file(saved, tmp_path / "adapter_model.safetensors")
    with pytest.raises(RefusalError, match=r"q_proj.lora_A.default.weight is not in it as it was trained"):
        save.verify_weights(tmp_path, TRAINED)


def test_a_model_of_several_files_is_read_whole(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"b": torch.zeros(2)}, tmp_path / "model-00002-of-00002.safetensors")
    save.verify_weights(tmp_path, {"a": torch.ones(2), "b": torch.zeros(2)})


def test_a_model_fits_by_the_type_that_it_is_saved_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_free", lambda _: 100 * 10**9)
    device = torch.device("cpu")
    assert preflight.fits(8 * 10**9, FULL, device)
    assert preflight.fits(40 * 10**9, RECIPE, device)
    assert not preflight.fits(40 * 10**9, FULL, device)
    assert not preflight.fits(70 * 10**9, RECIPE, device)


@pytest.mark.parametrize("name", ["adapter", "model"])
def test_a_result_is_not_overwritten_unless_it_was_never_proven(tmp_path: Path, name: str) -> None:
    recipe = replace(RECIPE, merge=True)
    save.refuse_to_overwrite(recipe, tmp_path)
    (tmp_path / name).mkdir()
    with pytest.raises(RefusalError, match=f"{name} is there already"):
        save.refuse_to_overwrite(recipe, tmp_path)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "step-4.json").touch()
    save.refuse_to_overwrite(recipe, tmp_path)
