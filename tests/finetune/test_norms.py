"""Norms are replaced where, and only where, PyTorch's own operation computes the same."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not in this Python: put the training packages on PYTHONPATH")
pytestmark = pytest.mark.torch

from transformers.models.gemma.modeling_gemma import GemmaRMSNorm  # noqa: E402 - only where torch is
from transformers.models.llama.modeling_llama import LlamaRMSNorm  # noqa: E402

from workloads.finetune.norms import FusedRMSNorm, fuse_norms  # noqa: E402


def _random(norm: Any) -> Any:
    torch.nn.init.normal_(norm.weight, std=0.5)
    return norm


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_plain_norm_is_replaced_by_what_computes_the_same(dtype: Any) -> None:
    norm = _random(LlamaRMSNorm(64, eps=1e-5)).to(dtype)
    rows = torch.randn(5, 64, generator=torch.Generator().manual_seed(1)).to(dtype)
    before = norm(rows)
    assert fuse_norms(torch.nn.Sequential(norm)) == 1
    assert type(norm) is FusedRMSNorm
    torch.testing.assert_close(norm(rows), before, rtol=1e-2, atol=1e-2 if dtype == torch.bfloat16 else 1e-5)


def test_its_weight_stays_where_a_file_has_it() -> None:
    norm = _random(LlamaRMSNorm(64))
    names = list(norm.state_dict())
    fuse_norms(torch.nn.Sequential(norm))
    assert list(norm.state_dict()) == names


def test_a_norm_that_counts_from_one_stays() -> None:
    norm = _random(GemmaRMSNorm(64))
    assert fuse_norms(torch.nn.Sequential(norm)) == 0
    assert type(norm) is GemmaRMSNorm


def test_a_norm_that_wants_more_than_activations_stays() -> None:
    class GatedRMSNorm(LlamaRMSNorm):  # type: ignore[misc]  # transformers is not there where types are checked
        def forward(self, hidden_states: Any, gate: Any) -> Any:
            return super().forward(hidden_states * gate)

    assert fuse_norms(torch.nn.Sequential(_random(GatedRMSNorm(64)))) == 0


def test_another_epsilon_or_none_is_seen() -> None:
    class OtherRMSNorm(LlamaRMSNorm):  # type: ignore[misc]  # transformers is not there where types are checked
        def forward(self, hidden_states: Any) -> Any:
            return super().forward(hidden_states) * 1.1

    assert fuse_norms(torch.nn.Sequential(_random(OtherRMSNorm(64)))) == 0
