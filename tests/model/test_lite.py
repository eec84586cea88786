"""The small trunk: neither strips nor fused operators change anything."""

from __future__ import annotations

import pytest
import torch

from rs2sam2.config import LiteConfig
from rs2sam2.model.lite import LARGE, REACH, LiteTrunk


def trunk() -> LiteTrunk:
    """Every weight and bias is drawn, so that a row that is missing or padded in a wrong place shows."""
    torch.manual_seed(0)
    model = LiteTrunk(LiteConfig(), text_width=None).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.parametrize(("height", "width"), [(96, 64), (LARGE + 64, 32), (LARGE + 32, 32), (LARGE + 8, 32)])
def test_strips_change_nothing(height: int, width: int) -> None:
    model = trunk()
    image = torch.randn(2, 3, height, width).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        whole, strips = model.embed(image), model.embed_in_strips(image)
    assert [m.shape for m in whole] == [m.shape for m in strips]
    for a, b in zip(whole, strips, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(a.abs().max()))


def test_strips_reach_as_far_as_the_map_does() -> None:
    """A change of the image is felt up to REACH rows from a cell's own rows, and no further."""
    model = trunk().double()
    image = torch.zeros(1, 3, 128, 32, dtype=torch.float64, requires_grad=True)
    m4, *_ = model.embed(image)
    m4[0, :, 16].sum().backward()
    assert image.grad is not None
    rows = image.grad.abs().sum((0, 1, 3)).nonzero()[:, 0]
    assert rows.min() > 64 - REACH and rows.max() < 68 + REACH


def test_fused_operators_change_nothing() -> None:
    model, image = trunk(), torch.randn(2, 3, 96, 64)
    fused = torch.inference_mode()(model.embed)(image)
    for a, b in zip([m.detach() for m in model.embed(image)], fused, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(a.abs().max()))
