"""Validation samples with what was found and what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rs2sam2.drawing import FOUND, TRUTH, inner_edge, shrink, tint

SIDE = 256
COLUMNS = 4


@dataclass(frozen=True)
class Shown:
    """A sample for the sheet; masks are of the image's size."""

    image: Image.Image
    phrase: str
    mask: NDArray[np.bool_]
    truth: NDArray[np.bool_]
    note: str


def draw_sheet(items: Sequence[Shown]) -> Image.Image:
    """RGB sheet: each picture with the mask found tinted orange, the true one outlined in blue, phrase and note below."""
    font = ImageFont.load_default(13)
    columns = min(COLUMNS, len(items))
    rows = -(-len(items) // columns)
    cell = (SIDE + 6, SIDE + 44)
    sheet = Image.new("RGB", (columns * cell[0], rows * cell[1]), (24, 24, 24))
    draw = ImageDraw.Draw(sheet)
    for n, item in enumerate(items):
        x, y = n % columns * cell[0], n // columns * cell[1]
        sheet.paste(_picture(item), (x, y))
        draw.text((x + 2, y + SIDE + 4), _fit(item.phrase, font), font=font, fill=(240, 240, 240))
        draw.text((x + 2, y + SIDE + 22), item.note, font=font, fill=(170, 170, 170))
    return sheet


def _picture(item: Shown) -> Image.Image:
    pixels = np.asarray(item.image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32)
    mask, truth = (shrink(m, (SIDE, SIDE)) for m in (item.mask, item.truth))
    pixels = tint(pixels, mask, FOUND)
    pixels[inner_edge(truth)] = TRUTH
    return Image.fromarray(pixels.astype(np.uint8))


def _fit(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while font.getlength(text) > SIDE and len(text) > 4:
        text = text[:-4] + "..."
    return text
