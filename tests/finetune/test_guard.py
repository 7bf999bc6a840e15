"""What tells two models apart, and what does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

from workloads.finetune import guard  # noqa: E402 - only where torch is


@pytest.mark.parametrize("config", [{"transformers_version": "5"}, {"_name_or_path": "/elsewhere"}])
def test_a_model_is_the_same_by_whatever_and_from_wherever_it_is_loaded(config: dict[str, str]) -> None:
    def model(told: dict[str, str]) -> Any:
        settings = {"layers": 2, "transformers_version": "4", "_name_or_path": "/here"} | told
        return SimpleNamespace(config=SimpleNamespace(to_dict=lambda: settings), named_parameters=list)

    assert guard.fingerprint(model(config)) == guard.fingerprint(model({}))
    assert guard.fingerprint(model({"layers": "3"})) != guard.fingerprint(model({}))
