from __future__ import annotations

import pytest
import torch
from torch import nn

from rs2sam2.model.adapters import TextAdapter
from rs2sam2.model.layers import LinearGELU
from rs2sam2.model.merged import EpilogueGELU, MergedTextAdapter, merge_gelu


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("hidden", [8, 12])  # 12 is filled up to 16
def test_text_adapter(last: bool, hidden: int) -> None:
    torch.manual_seed(0)
    adapter = TextAdapter(32, hidden, 16, last=last).double().requires_grad_(False)
    for parameter in adapter.parameters():
        nn.init.normal_(parameter, std=0.4)
    merged = MergedTextAdapter(adapter).double()
    h, text = torch.randn(2, 20, 32).double(), torch.randn(2, 5, 16).double()
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    for hidden_words in (None, padding):
        pixels, words = adapter(h, text, hidden_words)
        ours, told = merged(h.clone(), text, hidden_words)
        assert torch.allclose(ours + merged.shift, pixels, atol=1e-5)
        assert torch.allclose(told, words, atol=1e-5)


def test_gelu_is_exact_where_the_product_has_none() -> None:
    module = nn.Sequential(LinearGELU(4, 6), nn.ModuleList([LinearGELU(6, 2)]))
    x = torch.randn(3, 5, 4)
    expected = module[0](x)
    merge_gelu(module)
    assert all(isinstance(m, EpilogueGELU) for m in (module[0], module[1][0]))  # type: ignore[index]
    assert torch.equal(module[0](x), expected)
