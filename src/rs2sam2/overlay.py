"""Draw predictions on their image, with a legend."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rs2sam2.drawing import COLORS, inner_edge, tint
from rs2sam2.predictor import Prediction

OPACITY = 0.45
LONGEST = 1600
"""Pixels, beyond which nothing is enlarged."""
LEAST_LINE = 10
"""Room for a line of the legend, in sizes of its font, even below a narrow picture."""
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


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
    room = max(picture.width - 2 * size, LEAST_LINE * size)
    wrapped = [_wrapped(text, font, room) for text in lines]
    width = max([picture.width, *(2 * size + math.ceil(font.getlength(part)) for parts in wrapped for part in parts)])
    canvas = Image.new("RGB", (width, picture.height + line * sum(map(len, wrapped)) + size // 2), (24, 24, 24))
    canvas.paste(picture)
    draw = ImageDraw.Draw(canvas)
    y = picture.height + size // 4
    for i, parts in enumerate(wrapped):
        draw.rectangle((size // 2, y + size // 4, size // 2 + size, y + size // 4 + size), fill=COLORS[i % len(COLORS)])
        for part in parts:
            draw.text((2 * size, y + size // 8), part, font=font, fill=(240, 240, 240))
            y += line
    return canvas


def _wrapped(text: str, font: Font, room: float) -> list[str]:
    """A text in lines of at most ``room`` pixels, broken at spaces where there are any."""
    parts: list[str] = []
    while font.getlength(text) > room:
        fits = max(1, bisect_right(range(len(text)), room, key=lambda n: font.getlength(text[: n + 1])))
        space = text.rfind(" ", 1, fits + 1)
        end = space if space > 0 else fits
        parts.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*parts, text] if text or not parts else parts
