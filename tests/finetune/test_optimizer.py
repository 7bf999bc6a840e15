"""Weights are kept in float32, whatever the model computes with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from workloads.finetune.recipe import read_recipe
from workloads.recipe import find_recipe

torch = pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

from workloads.finetune.optimizer import Optimizer, give_copies  # noqa: E402 - only where torch is

RECIPE = replace(read_recipe(find_recipe("llama3-3b-full")), max_grad_norm=1.0)
CPU = torch.device("cpu")
SMALL = 1e-5
"""As a step of Adam: a five-hundredth of the distance between two numbers near 1 in bfloat16."""


def _layer() -> Any:
    layer = torch.nn.Linear(2, 2, bias=False)
    torch.nn.init.ones_(layer.weight)
    return layer


def _pull(layer: Any, value: float = 1.0) -> None:
    layer.weight.grad = torch.full_like(layer.weight, value)


def test_updates_that_are_too_small_for_a_copy_add_up() -> None:
    layer = _layer()
    optimizer = Optimizer(layer, give_copies(layer, torch.bfloat16), RECIPE, CPU)
    for _ in range(300):
        _pull(layer)
        assert optimizer.step(SMALL)
    assert layer.weight.dtype == torch.bfloat16
    assert optimizer.weights["weight"].dtype == torch.float32
    assert layer.weight.max() < 1
    assert torch.equal(layer.weight, optimizer.weights["weight"].bfloat16())


def test_copies_take_the_steps_of_weights_without_copies() -> None:
    plain, copied = _layer(), _layer()
    alone = Optimizer(plain, {}, RECIPE, CPU)
    beside = Optimizer(copied, give_copies(copied, torch.bfloat16), RECIPE, CPU)
    for value in (4.0, -2.0, 0.5):
        _pull(plain, value)
        _pull(copied, value)
        alone.step(0.125)
        beside.step(0.125)
    assert torch.equal(beside.weights["weight"], plain.weight)


def test_weights_that_have_the_type_already_are_not_copied() -> None:
    assert give_copies(_layer(), torch.float32) == {}


def test_gradients_that_are_not_finite_change_nothing() -> None:
    layer = _layer()
    optimizer = Optimizer(layer, give_copies(layer, torch.bfloat16), RECIPE, CPU)
    _pull(layer, float("nan"))
    assert not optimizer.step(1.0)
    assert layer.weight.min() == optimizer.weights["weight"].min() == 1
    assert optimizer.weights["weight"].grad is None
    _pull(layer)
    assert optimizer.step(0.5)
    assert layer.weight.max() < 1


def test_long_gradients_are_cut() -> None:
    layer = _layer()
    optimizer = Optimizer(layer, {}, replace(RECIPE, max_grad_norm=0.5), CPU)
    _pull(layer, 100.0)
    optimizer.step(0.1)
    moment = optimizer.adam.state[layer.weight]["exp_avg"]
    assert moment.norm().item() == pytest.approx(0.05, rel=1e-4)
