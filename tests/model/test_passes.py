"""Where there is no GPU, passes are torch's."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from rs2sam2.model.layers import LayerNorm2d
from rs2sam2.model.passes import Norm, add_norm, patch_rows, pool, softmax_of_words, swap_norms


def a_norm(width: int) -> nn.LayerNorm:
    norm = nn.LayerNorm(width)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm.requires_grad_(False)


def test_sum_and_norm() -> None:
    norm, x, h, shift, rest = a_norm(6), *(torch.randn(2, 5, 6) for _ in range(2)), *torch.randn(2, 6)
    total, out = add_norm(x, h, norm, shift, rest)
    assert torch.allclose(total, x + h + shift + rest) and torch.allclose(out, norm(x + h + shift), atol=1e-6)
    total, out = add_norm(x, None, norm)
    assert total is x and torch.equal(out, norm(x))


def test_norms_are_swapped_for_the_same() -> None:
    maps = LayerNorm2d(6)
    nn.init.normal_(maps.weight)
    module = nn.Sequential(a_norm(6), nn.Sequential(maps, nn.ReLU()))
    x, y = torch.randn(2, 3, 6), torch.randn(2, 6, 4, 4)
    expected = module[0](x), module[1](y)
    swap_norms(module)
    assert isinstance(module[0], Norm)
    assert torch.allclose(module[0](x), expected[0]) and torch.allclose(module[1](y), expected[1], atol=1e-6)


def test_softmax_of_words() -> None:
    scores, constant = torch.randn(2, 7, 12), torch.randn(2, 3, 4)
    constant[0, :, 3] = -torch.inf
    expected = (scores.view(2, 7, 3, 4) + constant[:, None]).softmax(-1).flatten(2)
    assert torch.allclose(softmax_of_words(scores, constant), expected)


def test_pool_takes_parts_of_rows() -> None:
    x = torch.randn(3, 4, 4, 10)[..., :5]
    assert torch.equal(pool(x), F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1))


def test_rows_of_patches() -> None:
    image = torch.randn(2, 3, 16, 16)
    rows = patch_rows(image, window=2, stride=4)
    assert rows.shape == (2, 16, 192)
    # the first patch has zeros above and to the left; the last of the second window is that of row 1, column 3
    first = rows[0, 0].view(3, 8, 8)
    assert not first[:, :4].any() and torch.equal(first[:, 4:, 4:], image[0, :, :4, :4])
    assert torch.equal(rows[1, 7].view(3, 8, 8), image[1, :, 0:8, 8:16])
