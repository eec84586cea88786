"""`data preview`: a contact sheet, each picture with its mask outlined and its phrase beneath."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rs2sam2.data.sample import Sample
from rs2sam2.drawing import outer_edge, shrink, tint
from rs2sam2.errors import DataError, UsageError
from rs2sam2.files import replacing

INK = (255, 40, 160)  # magenta: rare in overhead imagery
PAPER, TEXT, FAINT, WARNING = (255, 255, 255), (20, 20, 20), (120, 120, 120), (200, 0, 0)
MARGIN = 8
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
LINES = 3
"""A phrase is cut after this many lines."""
LONGEST = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}
"""The longest side in pixels that a file of the format can have."""


def choose(samples: Sequence[Sample], count: int, seed: int = 0) -> list[Sample]:
    """`count` samples, as many of each phrase kind (or category) as there are, of different images where possible.

    Deterministic under `seed`; in the order of the data set.
    """
    rng = random.Random(seed)
    shelves: defaultdict[str, list[int]] = defaultdict(list)
    for i, sample in enumerate(samples):
        shelves[sample.kind or sample.category or ""].append(i)
    for shelf in shelves.values():
        rng.shuffle(shelf)
    chosen: list[int] = []
    seen: set[Path] = set()
    for fresh in (True, False):  # first only images not shown yet
        while len(chosen) < count:
            before = len(chosen)
            for shelf in shelves.values():
                at = next((k for k, i in enumerate(shelf) if not fresh or samples[i].image not in seen), None)
                if at is not None and len(chosen) < count:
                    chosen.append(shelf.pop(at))
                    seen.add(samples[chosen[-1]].image)
            if len(chosen) == before:
                break
    return [samples[i] for i in sorted(chosen)]


def contact_sheet(samples: Sequence[Sample], *, columns: int = 5, cell: int = 320) -> Image.Image:
    """RGB sheet of `samples`, row by row; each picture fits a square of `cell` pixels, its proportions kept.

    A sample without a target is marked as such, in red; one that cannot be read shows its error. Raises UsageError
    where there is no sample or no room.
    """
    if not samples:
        raise UsageError("no samples to show; choose another split, category or kind")
    if columns < 1 or cell < 64:
        raise UsageError(f"a sheet needs at least 1 column and cells of at least 64 px; got {columns} and {cell}")
    columns = min(columns, len(samples))
    font, small = ImageFont.load_default(max(12, cell // 20)), ImageFont.load_default(max(10, cell // 27))
    line = round(1.25 * max(12, cell // 20))
    cells = [_cell(sample, cell, font) for sample in samples]
    rows = [cells[n : n + columns] for n in range(0, len(cells), columns)]
    # A row is as high as its tallest picture and longest phrase, so that a phrase stands right under its picture.
    tops = [MARGIN]
    for row in rows:
        tops.append(
            tops[-1] + max(c.picture.height for c in row) + (max(len(c.lines) for c in row) + 1) * line + 2 * MARGIN
        )
    sheet = Image.new("RGB", (columns * (cell + MARGIN) + MARGIN, tops[-1]), PAPER)
    draw = ImageDraw.Draw(sheet)
    for top, row, first in zip(tops, rows, range(0, len(cells), columns), strict=False):
        base = top + max(c.picture.height for c in row)
        for n, item in enumerate(row):
            x = MARGIN + n * (cell + MARGIN)
            sheet.paste(item.picture, (x + (cell - item.picture.width) // 2, base - item.picture.height))
            for k, words in enumerate(item.lines):
                draw.text((x, base + 4 + k * line), words, item.colour, font)
            sample = samples[first + n]
            below = _fit(_notes(sample), small, cell)
            draw.text((x, base + 4 + len(item.lines) * line), below, FAINT if sample.targets else WARNING, small)
    return sheet


@dataclass(frozen=True)
class _Cell:
    picture: Image.Image
    lines: list[str]
    colour: tuple[int, int, int]


def _cell(sample: Sample, side: int, font: Font) -> _Cell:
    try:
        picture, text, colour = _picture(sample, side), sample.phrase, TEXT
    except DataError as error:
        picture, text, colour = Image.new("RGB", (side, side // 2), PAPER), str(error), WARNING
        ImageDraw.Draw(picture).rectangle((0, 0, side - 1, side // 2 - 1), outline=WARNING)
    lines = _wrap(text, font, side)
    return _Cell(picture, [*lines[: LINES - 1], lines[LINES - 1] + " ..."] if len(lines) > LINES else lines, colour)


def _notes(sample: Sample) -> str:
    count = len(sample.targets)
    target = "no target" if not count else f"{count} objects" if count > 1 else None
    return " · ".join(note for note in (target, sample.split, sample.id, sample.kind or sample.category) if note)


def save_sheet(sheet: Image.Image, path: str | Path) -> None:
    """Write the sheet, whole or not at all. Raises UsageError where the format is unknown or has no room for it."""
    suffix = Path(path).suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg", ".webp"):
        raise UsageError(f"{path}: a sheet is written as .png, .jpg or .webp; change the suffix")
    if max(sheet.size) > LONGEST.get(suffix, max(sheet.size)):
        raise UsageError(
            f"{path}: the sheet is {sheet.width} x {sheet.height} pixels, a {suffix} at most {LONGEST[suffix]} a side; "
            "write a .png or give fewer --count"
        )
    with replacing(path) as temporary:
        sheet.save(temporary)


def _picture(sample: Sample, cell: int) -> Image.Image:
    image = sample.load_image()
    ratio = cell / max(image.size)
    size = (max(1, round(image.height * ratio)), max(1, round(image.width * ratio)))
    pixels = np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR)).astype(np.float32)
    mask = shrink(sample.load_mask(), (size[1], size[0]))
    pixels = tint(pixels, mask, INK, 0.2)
    # The line runs around the object, not on it: a small one would disappear under it.
    pixels[outer_edge(mask, 2)] = INK
    return Image.fromarray(pixels.astype(np.uint8))


def _wrap(text: str, font: Font, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return [_fit(line, font, width) for line in lines]


def _fit(text: str, font: Font, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
