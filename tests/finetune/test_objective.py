"""The loss is the same however rows are laid out and whatever computes it: packed or padded, sliced or whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from workloads.finetune.recipe import Recipe, read_recipe
from workloads.finetune.refusal import RefusalError
from workloads.recipe import find_recipe

torch = pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

from torch.nn import functional  # noqa: E402 - only where torch is

from tests.workloads.job import WORKLOADS  # noqa: E402
from workloads.finetune import data, loss  # noqa: E402
from workloads.finetune.attention import set_attention  # noqa: E402
from workloads.finetune.batches import Batch, packed, padded  # noqa: E402
from workloads.finetune.lora import StreamlinedLinear, streamline  # noqa: E402
from workloads.finetune.model import load_base, load_tokenizer, prepare_to_train  # noqa: E402
from workloads.finetune.objective import Objective, check_loss  # noqa: E402
from workloads.finetune.progress import Progress  # noqa: E402
from workloads.finetune.tiny import make_tiny  # noqa: E402
from workloads.finetune.world import World  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

RECIPE: Recipe = read_recipe(find_recipe("tiny"))
assert RECIPE.lora is not None
FROZEN_HEAD = replace(RECIPE, lora=replace(RECIPE.lora, targets=["q_proj"]))
DROPOUT = replace(RECIPE, lora=replace(RECIPE.lora, dropout=0.1))
FULL = replace(RECIPE, method="full", lora=None)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_tiny(data.load_rows(str(WORKLOADS / "data/alpaca.json")), folder, seed=7)
    return folder


@pytest.fixture(scope="module")
def examples(source: Path) -> list[data.Example]:
    rows = data.load_rows(str(WORKLOADS / "data/alpaca.json"), limit=20)
    return data.encode_all(rows, load_tokenizer(RECIPE, str(source)), RECIPE)


def _objective(source: Path, recipe: Recipe) -> Objective:
    torch.manual_seed(1)
    model = prepare_to_train(recipe, load_base(recipe, str(source), CPU))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            # Zero at first, which would hide what the adapter does.
            torch.nn.init.normal_(parameter, std=0.1)
    set_attention(model, recipe, CPU)
    return Objective(model, recipe)


def _loss_and_gradients(objective: Objective, batch: Batch) -> tuple[float, dict[str, Any]]:
    objective.zero_grad()
    summed = objective(batch)
    summed.backward()
    trained = {name: each.grad.clone() for name, each in objective.named_parameters() if each.requires_grad}
    return summed.item(), trained


@pytest.mark.parametrize("recipe", [RECIPE, FULL], ids=["lora", "full"])
def test_packed_rows_have_the_loss_and_the_gradients_of_padded_rows(
    source: Path, examples: list[data.Example], recipe: Recipe
) -> None:
    objective = _objective(source, recipe)
    apart, apart_gradients = _loss_and_gradients(objective, padded(examples, 0))
    together, together_gradients = _loss_and_gradients(objective, packed(examples, 4096, 0))
    assert together == pytest.approx(apart, rel=1e-5)
    for name, gradient in apart_gradients.items():
        torch.testing.assert_close(together_gradients[name], gradient, rtol=1e-3, atol=1e-3, msg=name)


def test_rows_that_were_not_kept_apart_would_have_another_loss(source: Path, examples: list[data.Example]) -> None:
    objective = _objective(source, RECIPE)
    batch = packed(examples, 4096, 0)
    joined = replace(batch, position_ids=torch.arange(4096)[None])
    assert objective(joined).item() != pytest.approx(objective(batch).item(), rel=1e-3)


@pytest.mark.parametrize("recipe", [FROZEN_HEAD, RECIPE, FULL], ids=["head frozen", "adapter on it", "head trained"])
def test_the_sliced_loss_is_the_loss_of_all_logits_at_once(
    source: Path, examples: list[data.Example], recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss, "LOGITS_AT_ONCE", 512 * 7)
    objective = _objective(source, recipe)
    batch = padded(examples, 0)
    sliced, sliced_gradients = _loss_and_gradients(objective, batch)
    objective.zero_grad()
    whole = functional.cross_entropy(objective(batch, logits=True), batch.answers, reduction="sum")
    whole.backward()
    assert sliced == pytest.approx(whole.item(), rel=1e-5)
    for name, parameter in objective.named_parameters():
        if parameter.requires_grad:
            torch.testing.assert_close(sliced_gradients[name], parameter.grad, rtol=1e-3, atol=1e-3, msg=name)


def test_an_adapter_computes_what_peft_computes(source: Path, examples: list[data.Example]) -> None:
    objective = _objective(source, RECIPE)
    batch = padded(examples, 0)
    ours, our_gradients = _loss_and_gradients(objective, batch)
    streamlined = [module for module in objective.modules() if type(module) is StreamlinedLinear]
    assert len(streamlined) == 2 * 7 + 1
    for module in streamlined:
        module.__class__ = StreamlinedLinear.__base__
    theirs, their_gradients = _loss_and_gradients(objective, batch)
    assert ours == pytest.approx(theirs, rel=1e-5)
    for name, gradient in their_gradients.items():
        torch.testing.assert_close(our_gradients[name], gradient, rtol=1e-3, atol=1e-3, msg=name)


def test_an_adapter_with_dropout_is_left_to_peft(source: Path) -> None:
    assert streamline(_objective(source, DROPOUT).model) == 0


def test_a_model_whose_loss_would_be_another_is_refused(source: Path, examples: list[data.Example]) -> None:
    world = World(0, ["here"], CPU, False, Progress(torch.distributed.HashStore(), 0, ["here"]))
    objective = _objective(source, RECIPE)
    check_loss(objective, examples, 0, RECIPE, world)
    # As a model would that squeezes its logits after the output layer.
    objective.model.get_base_model().register_forward_hook(_halve)
    with pytest.raises(RefusalError, match=r"two rows have a loss of .* instead of .*: set packing: false"):
        check_loss(objective, examples, 0, RECIPE, world)


def test_the_longest_row_is_looked_at_too(source: Path, examples: list[data.Example]) -> None:
    world = World(0, ["here"], CPU, False, Progress(torch.distributed.HashStore(), 0, ["here"]))
    objective = _objective(source, RECIPE)
    longest = max(len(example.input_ids) for example in examples)

    def halve_long(_module: Any, _given: Any, told: Any) -> None:
        told.logits[:, longest // 2 :].mul_(0.5)

    objective.model.get_base_model().register_forward_hook(halve_long)
    with pytest.raises(RefusalError, match="two rows have a loss of"):
        check_loss(objective, examples, 0, RECIPE, world)


def test_an_adapter_on_a_layer_that_shares_its_weights_is_not_merged(source: Path) -> None:
    base = load_base(RECIPE, str(source), CPU)
    base.config.tie_word_embeddings = True
    with pytest.raises(RefusalError, match="first and last layer share their weights"):
        prepare_to_train(replace(RECIPE, merge=True), base)


def _halve(_module: Any, _given: Any, told: Any) -> None:
    told.logits.mul_(0.5)
