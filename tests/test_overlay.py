from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from rs2sam2.config import ProcessorConfig
from rs2sam2.overlay import draw_overlay
from rs2sam2.segmenter import Prediction


def drawn(phrase: str, size: tuple[int, int]) -> Image.Image:
    logits = np.full(size[::-1], -5, np.float32)
    return draw_overlay(Image.new("RGB", size), [Prediction(phrase, logits, ProcessorConfig(), 0.5, 0.431, 0.6)])


LONG = ("the white storage tank to the left of the parking lot " * 2, "\u8239" * 80, "x" * 100)


@pytest.mark.parametrize("size", [(256, 256), (640, 480)])
def test_a_line_that_does_not_fit_is_wrapped(size: tuple[int, int]) -> None:
    for phrase in LONG:
        picture = drawn(phrase, size)
        assert picture.width == size[0] and picture.height > drawn("ships", size).height


def test_below_a_picture_too_narrow_for_any_line_the_canvas_is_wider() -> None:
    for phrase in LONG:
        assert 80 < drawn(phrase, (20, 1600)).width < 160


def test_a_line_that_fits_is_one_line() -> None:
    assert drawn("the white storage tank", (640, 640)).size == drawn("ships", (640, 640)).size
