"""Draw predictions on their image, with a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rs2sam2.predictor import Prediction

# Okabe and Ito's colours, told apart by everybody (https://jfly.uni-koeln.de/color/), brightest first.
COLORS = ((240, 228, 66), (86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (213, 94, 0), (0, 114, 178))
OPACITY = 0.45


def draw_overlay(image: Image.Image, predictions: Sequence[Prediction]) -> Image.Image:
    """RGB image with each mask tinted and outlined in its colour, and a line per phrase below it."""
    pixels = np.asarray(image.convert("RGB"), np.float32)
    for i, prediction in enumerate(predictions):
        color = np.array(COLORS[i % len(COLORS)], np.float32)
        pixels = np.where(prediction.mask[..., None], (1 - OPACITY) * pixels + OPACITY * color, pixels)
    for i, prediction in enumerate(predictions):
        edge = _outline(prediction.mask, max(1, round(max(prediction.mask.shape) / 400)))
        pixels[edge] = COLORS[i % len(COLORS)]
    picture = Image.fromarray(pixels.astype(np.uint8))
    return _with_legend(picture, [f"{p.phrase}  ({p.score:.2f})" for p in predictions])


def _outline(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Pixels of the mask within `width` of its edge."""
    inner = mask
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = padded[1:-1, 1:-1] & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def _with_legend(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
    if picture.width < 120:  # too small to be read beside: enlarged, each pixel stays visible
        factor = -(-480 // picture.width)
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    size = max(12, round(picture.width / 42))
    font = ImageFont.load_default(size)
    line = round(1.5 * size)
    canvas = Image.new("RGB", (picture.width, picture.height + line * len(lines) + size // 2), (24, 24, 24))
    canvas.paste(picture)
    draw = ImageDraw.Draw(canvas)
    for i, text in enumerate(lines):
        y = picture.height + size // 4 + i * line
        draw.rectangle((size // 2, y + size // 4, size // 2 + size, y + size // 4 + size), fill=COLORS[i % len(COLORS)])
        draw.text((2 * size, y + size // 8), text, font=font, fill=(240, 240, 240))
    return canvas
