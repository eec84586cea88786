"""Draw predictions on their image, with a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rs2sam2.drawing import COLORS, inner_edge, tint
from rs2sam2.predictor import Prediction

OPACITY = 0.45
LONGEST = 1600
"""Pixels, beyond which nothing is enlarged."""


def draw_overlay(image: Image.Image, predictions: Sequence[Prediction], min_score: float = 0.0) -> Image.Image:
    """RGB image with each mask tinted and outlined in its colour, and a line per phrase below it.

    What is not here, having a presence below `min_score`, is not drawn, and its line says so.
    """
    pixels = np.asarray(image.convert("RGB"), np.float32)
    here = [(i, p) for i, p in enumerate(predictions) if p.is_here(min_score)]
    for i, prediction in here:
        pixels = tint(pixels, prediction.mask, COLORS[i % len(COLORS)], OPACITY)
    for i, prediction in here:
        edge = inner_edge(prediction.mask, max(1, round(max(prediction.mask.shape) / 400)))
        pixels[edge] = COLORS[i % len(COLORS)]
    picture = Image.fromarray(pixels.astype(np.uint8))
    lines = [
        f"{p.phrase}  ({'' if p.is_here(min_score) else 'not here, '}{p.score_text(min_score)})" for p in predictions
    ]
    return _with_legend(picture, lines)


def _with_legend(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
    if picture.width < 120:  # too small to be read beside: enlarged, each pixel stays visible
        factor = max(1, min(-(-480 // picture.width), LONGEST // max(picture.size)))
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
