from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import nn

from rs2sam2.model import layers
from rs2sam2.model.layers import LayerNorm2d, MultiheadAttention, attend
from rs2sam2.model.prompts import PromptEncoder


@pytest.mark.parametrize("few", ["queries", "keys"])
def test_attention_is_torchs(few: Literal["queries", "keys"]) -> None:
    torch.manual_seed(0)
    theirs, ours = nn.MultiheadAttention(12, 4, batch_first=True), MultiheadAttention(12, 4, few)
    ours.in_proj.weight.data, ours.in_proj.bias.data = theirs.in_proj_weight.data, torch.randn(36)
    theirs.in_proj_bias.data = ours.in_proj.bias.data
    ours.out_proj.load_state_dict(theirs.out_proj.state_dict())
    ours.out_proj.bias.data = torch.randn(12)
    theirs.out_proj.bias.data = ours.out_proj.bias.data
    query, memory = torch.randn(2, 5, 12), torch.randn(2, 7, 12)
    padding = torch.arange(7)[None] >= torch.tensor([[7], [4]])
    expected, _ = theirs(query, memory, memory, key_padding_mask=padding)
    assert torch.allclose(ours(query, memory, padding), expected, atol=1e-6)


def test_attend_is_the_formula() -> None:
    q, k, v = torch.randn(1, 3, 8), torch.randn(1, 4, 8), torch.randn(1, 4, 8)
    heads = [((q[..., s] @ k[..., s].mT) / 2).softmax(-1) @ v[..., s] for s in (slice(0, 4), slice(4, 8))]
    assert torch.allclose(attend(q, k, v, 2), torch.cat(heads, -1), atol=1e-6)


@pytest.mark.parametrize(("rows", "keys"), [(3, 5), (200, 70)])
def test_attention_by_products_is_the_fused_kernels(rows: int, keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 3, rows, 8), torch.randn(2, 3, keys, 8), torch.randn(2, 3, keys, 8)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    for scores in (1, 500, 10_000, layers.CACHED_SCORES):
        monkeypatch.setattr(layers, "CACHED_SCORES", scores)
        with torch.inference_mode():
            assert torch.allclose(layers._attend_by_products(q, k, v), expected, atol=1e-6)


def test_layer_norm_2d_normalises_channels() -> None:
    x = torch.randn(2, 6, 3, 5) * 9 + 4
    y = LayerNorm2d(6)(x)
    assert y.shape == x.shape
    assert torch.allclose(y.mean(1), torch.zeros(2, 3, 5), atol=1e-5)
    assert torch.allclose(y.var(1, unbiased=False), torch.ones(2, 3, 5), atol=1e-3)


def test_dense_position_code_is_that_of_the_cell_centres() -> None:
    encoder = PromptEncoder(16, 4, no_mask=True)
    code = encoder.dense_position_code(4, 8)
    assert code.shape == (1, 16, 4, 8)
    row, column = 1, 6
    xy = torch.tensor([(column + 0.5) / 8, (row + 0.5) / 4])
    angle = 2 * torch.pi * (2 * xy - 1) @ encoder.gaussian
    assert torch.allclose(code[0, :, row, column], torch.cat([angle.sin(), angle.cos()]), atol=1e-5)


def test_points_boxes_and_padding_get_their_own_embeddings() -> None:
    encoder = PromptEncoder(16, 4, no_mask=True)
    for i, embedding in enumerate(encoder.points):
        nn.init.constant_(embedding, i + 1.0)
    nn.init.constant_(encoder.not_a_point, -5.0)
    points = torch.tensor([[[3.0, 7.0]] * 5])
    out = encoder.sparse(points, torch.tensor([[0, 1, 2, 3, -1]]), image_size=32)
    code = encoder.position_code((points[0, 0] + 0.5) / 32)
    for i in range(4):
        assert torch.allclose(out[0, i], code + i + 1)
    assert torch.allclose(out[0, 4], torch.full((16,), -5.0))  # a padding point has no position
