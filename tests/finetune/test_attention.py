"""Attention over packed examples sees what the model is made to see: a window where it has one, and nothing unknown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from workloads.finetune.refusal import RefusalError

torch = pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

from workloads.finetune import attention  # noqa: E402 - only where torch is


def _windows(monkeypatch: pytest.MonkeyPatch, **told: Any) -> list[Any]:
    """Return the windows that the kernel is given."""
    given: list[Any] = []

    def kernel(query: Any, *_: Any, window_size: tuple[int, int], **__: Any) -> Any:
        given.append(window_size)
        return query

    monkeypatch.setattr(attention, "varlen_attn", kernel)
    states = torch.zeros(1, 2, 6, 8, dtype=torch.bfloat16)
    borders = torch.tensor([0, 6], dtype=torch.int32)
    attention._varlen(SimpleNamespace(), states, states, states, None, cu_seq_lens_q=borders, max_length_q=6, **told)
    return given


@pytest.mark.parametrize(("sliding", "window"), [(None, (-1, 0)), (4, (3, 0))])
def test_a_window_counts_the_token_itself(
    monkeypatch: pytest.MonkeyPatch, sliding: int | None, window: tuple[int, int]
) -> None:
    assert _windows(monkeypatch, sliding_window=sliding) == [window]


@pytest.mark.parametrize("name", ["softcap", "s_aux"])
def test_what_the_kernel_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(RefusalError, match=f"attention: varlen knows no {name}"):
        _windows(monkeypatch, **{name: 30.0})


def test_a_torch_whose_varlen_takes_no_scale_is_given_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_torch_2_10(query: Any, key: Any, value: Any, is_causal: bool = False, return_aux: Any = None) -> None:
        """Take what it takes there."""

    monkeypatch.setattr(attention, "varlen_attn", of_torch_2_10)
    assert not attention._knows("scale", "window_size")
    monkeypatch.setattr(attention, "HAS_VARLEN", False)
    recipe: Any = SimpleNamespace(packing=True, dtype="bfloat16", attention="varlen")
    assert attention._fastest(recipe, torch.device("cuda")) in ("flash_attention_2", "sdpa")
    with pytest.raises(RefusalError, match=r"has no varlen as it is needed: set auto, or take torch 2\.11"):
        attention.set_attention(SimpleNamespace(), recipe, torch.device("cuda"))
