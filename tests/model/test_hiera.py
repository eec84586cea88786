from __future__ import annotations

import pytest
import torch

from rs2sam2.model.hiera import Block, Hiera, max_pool_2x2
from toys import TOY_HIERA


@pytest.mark.parametrize("text_width", [None, 24])
def test_four_maps_at_their_strides(text_width: int | None) -> None:
    trunk = Hiera(TOY_HIERA, 64, text_width)
    text = None if text_width is None else torch.randn(2, 5, text_width)
    maps, out = trunk(trunk.embed(torch.randn(2, 3, 64, 64)), text, None)
    assert [tuple(m.shape) for m in maps] == [(2, 16, 16, 16), (2, 32, 8, 8), (2, 64, 4, 4), (2, 128, 2, 2)]
    assert (out is None) == (text is None) and (out is None or out.shape == (2, 5, 24))
    assert trunk.text_free_maps == (4 if text is None else 0)


def test_windows_do_not_see_each_other_and_are_padded_where_needed() -> None:
    torch.manual_seed(0)
    block = Block(width_in=8, width=8, heads=1, window=4, pool=False, text_width=None, last=False)
    y = torch.randn(1, 6, 6, 8)  # 6 is not divisible by 4
    changed = y.clone()
    changed[0, 5, 5] += 1
    difference = (block.attend(y) - block.attend(changed)).abs().amax(-1)[0]
    assert block.attend(y).shape == (1, 6, 6, 8)
    assert difference[4:, 4:].min() > 0 and difference[:4].max() == 0 and difference[:, :4].max() == 0


def test_pooling_halves_the_grid_inside_each_window() -> None:
    torch.manual_seed(0)
    block = Block(width_in=8, width=16, heads=2, window=4, pool=True, text_width=None, last=False)
    y = torch.randn(1, 8, 8, 8)
    pooled = block.attend(y)
    assert pooled.shape == (1, 4, 4, 16)
    alone = block.attention(y[:, :4, :4])  # the first window by itself
    assert torch.allclose(pooled[:, :2, :2], alone, atol=1e-6)
    x, _ = block(y, None, None)
    assert x.shape == (1, 4, 4, 16)


def test_max_pool_is_the_maximum_of_four() -> None:
    x = torch.arange(16.0).view(1, 4, 4, 1)
    assert max_pool_2x2(x).flatten().tolist() == [5, 7, 13, 15]


def test_positions_are_bicubic_background_plus_tiled_window() -> None:
    trunk = Hiera(TOY_HIERA, 64, None)
    torch.nn.init.normal_(trunk.window_embedding)
    torch.nn.init.zeros_(trunk.position_embedding)
    positions = trunk.positions()
    assert positions.shape == (1, 16, 16, 16)
    assert torch.equal(positions[..., :8, :8], positions[..., 8:, 8:])
    torch.nn.init.zeros_(trunk.window_embedding)
    torch.nn.init.constant_(trunk.position_embedding, 3.0)
    assert torch.allclose(trunk.positions(), torch.full((1, 16, 16, 16), 3.0), atol=1e-5)


def test_the_last_block_has_no_parameters_for_the_text_that_nobody_uses() -> None:
    names = [n for n, _ in Hiera(TOY_HIERA, 64, 24).named_parameters() if "words_to_pixels" in n or "text_out" in n]
    blocks = {int(n.split(".")[1]) for n in names}
    assert blocks == set(range(sum(TOY_HIERA.depths) - 1))
