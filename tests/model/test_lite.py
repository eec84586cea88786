"""The small trunk: strips change nothing."""

from __future__ import annotations

import pytest
import torch

from rs2sam2.config import LiteConfig
from rs2sam2.model.lite import REACH, WIDE, LiteTrunk


def trunk() -> LiteTrunk:
    """Every weight and bias is drawn, so that a row that is missing or padded in a wrong place shows."""
    torch.manual_seed(0)
    model = LiteTrunk(LiteConfig(), text_width=None).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.parametrize(("height", "width"), [(128, 64), (96, 96), (160, 32), (WIDE + 64, 32), (72, 64)])
def test_strips_change_nothing(height: int, width: int) -> None:
    model = trunk()
    image = torch.randn(2, 3, height, width).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        whole, strips = model.embed(image), model.embed_in_strips(image)
    assert [m.shape for m in whole] == [m.shape for m in strips]
    for a, b in zip(whole, strips, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(a.abs().max()))


def test_strips_reach_as_far_as_the_maps_do() -> None:
    """A change of the image in row 0 is felt up to REACH rows below a cell's first row, and no further."""
    model = trunk().double()
    image = torch.zeros(1, 3, 128, 32, dtype=torch.float64, requires_grad=True)
    _, m8, _, _ = model.embed(image)
    m8[0, :, 8].sum().backward()
    assert image.grad is not None
    rows = image.grad.abs().sum((0, 1, 3)).nonzero()[:, 0]
    assert rows.min() > 64 - REACH and rows.max() < 72 + REACH
