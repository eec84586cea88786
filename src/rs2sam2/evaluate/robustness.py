"""The same phrases about the same images, changed as other sensors, other files and other people would change them.

    gsd 2x     half the pixels for the same ground: a coarser ground sampling distance (0.5x: twice the pixels)
    zoom 2x    a window of half the side, where the phrase still means the same things: they are twice as large in view
    turn 90    the image turned, and the phrase with it ("left" becomes "bottom")
    said freely  the phrase in a sentence and in other words, see `rs2sam2.data.language.freely`

A model that squashes its input square sees a finer gsd only as interpolation, and a larger object only by a zoom; hence both.
Each change is compared with the unchanged answers to the very same phrases.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from rs2sam2.data.language.evaluate import execute, recrop
from rs2sam2.data.language.freely import freely
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.symmetry import Symmetry, turn_pixels
from rs2sam2.data.language.transform import rewrite_phrase
from rs2sam2.data.sample import Sample
from rs2sam2.evaluate.ask import Question, View
from rs2sam2.evaluate.breakdown import differences, ratios, table_of
from rs2sam2.evaluate.facts import Scenes, program_of
from rs2sam2.evaluate.records import Answer
from rs2sam2.metrics import NAMES

Picture = Callable[[Image.Image], Image.Image]
SMALLEST_SIDE = 32
"""A zoom that would leave fewer pixels than this is not made."""


def _gsd(factor: float) -> Picture:
    def change(image: Image.Image) -> Image.Image:
        size = max(1, round(image.width / factor)), max(1, round(image.height / factor))
        return image.resize(size, Image.Resampling.BICUBIC)

    return change


def _jpeg(quality: int) -> Picture:
    def change(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(io.BytesIO(file.getvalue())).convert("RGB")

    return change


PICTURES: dict[str, Picture] = {
    "gsd 0.5x": _gsd(0.5),
    "gsd 0.7x": _gsd(0.7),
    "gsd 1.4x": _gsd(1.4),
    "gsd 2x": _gsd(2.0),
    "blur, sigma 1 px": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "blur, sigma 2 px": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "sharpened": lambda image: image.filter(ImageFilter.UnsharpMask(radius=2, percent=150, threshold=0)),
    "JPEG, quality 30": _jpeg(30),
    "JPEG, quality 10": _jpeg(10),
    "darker, 0.6x": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "brighter, 1.4x": lambda image: ImageEnhance.Brightness(image).enhance(1.4),
    "grey": lambda image: image.convert("L").convert("RGB"),
}
"""Changes of the picture alone: phrase and truth stay."""
TURNS: dict[str, Symmetry] = {
    "turned 90": "rot90",
    "turned 180": "rot180",
    "turned 270": "rot270",
    "mirrored": "hflip",
}
ZOOMS = {"zoom 1.4x": 1.4, "zoom 2x": 2.0}
FREELY = "said freely"
CHANGES = (FREELY, *PICTURES, *TURNS, *ZOOMS)


def change(name: str, sample: Sample, scenes: Scenes) -> Question | None:
    """The question that a change makes of a sample; None where it would make the phrase untrue or cannot be sure."""
    if name == FREELY:
        return Question(freely(sample.phrase, Random(sample.phrase)), sample, sample, View(name))
    if name in PICTURES:
        return Question(sample.phrase, sample, sample, View(name, PICTURES[name]))
    if name in TURNS:
        symmetry = TURNS[name]
        program = program_of(sample)
        phrase = rewrite_phrase(sample.phrase, symmetry, program.rules if program else "english")
        if phrase is None:
            return None
        turned = View(
            name,
            lambda image: Image.fromarray(np.ascontiguousarray(turn_pixels(np.asarray(image), symmetry))),
            lambda mask: turn_pixels(mask, symmetry),
        )
        return Question(phrase, sample, sample, turned)
    layout = scenes.layouts.get(sample.image)
    box = None if layout is None else _window(sample, layout, ZOOMS[name])
    if box is None:
        return None
    x0, y0, x1, y1 = box
    zoomed = View(f"{name} {box}", lambda image: image.crop(box), lambda mask: mask[y0:y1, x0:x1])
    return Question(sample.phrase, sample, sample, zoomed)


def _window(sample: Sample, layout: Layout, ratio: float) -> tuple[int, int, int, int] | None:
    """A window of 1 / ratio of the side around the targets, in which the phrase surely still means exactly them."""
    program = program_of(sample)
    selected = None if program is None else execute(program, layout)
    if program is None or selected is None or bool(selected) != bool(sample.targets):
        return None
    frame = int(layout.width), int(layout.height)
    if (sample.height, sample.width) != (frame[1], frame[0]):
        return None  # the annotation's frame is not the image's
    boxes = [layout.objects[i].box for i in selected] or [(0.0, 0.0, float(frame[0]), float(frame[1]))]
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, bottom = max(b[2] for b in boxes), max(b[3] for b in boxes)
    corner = []
    sides = [round(side / ratio) for side in frame]
    for low, high, side, whole in ((left, right, sides[0], frame[0]), (top, bottom, sides[1], frame[1])):
        if side < SMALLEST_SIDE or (selected and high - low > side):
            return None
        corner.append(int(min(max((low + high - side) / 2, 0), whole - side)))
    box = (corner[0], corner[1], corner[0] + sides[0], corner[1] + sides[1])
    if any(b[0] < box[0] or b[1] < box[1] or b[2] > box[2] or b[3] > box[3] for b in boxes if selected):
        return None
    return box if recrop(program, layout, None, box) == selected else None


def robustness_row(
    name: str,
    samples: Sequence[Sample],
    plain: Sequence[Answer],
    changed: Sequence[Answer],
    protocol: str,
    min_score: float,
    resamples: int,
) -> dict[str, Any]:
    """The scores under a change and their difference to the unchanged ones, over the samples that could be changed."""
    at = [i for i, sample in enumerate(samples) if sample.targets]
    images = [str(samples[i].image) for i in at]
    row: dict[str, Any] = {"name": name, "samples": len(samples), "with_target": len(at)}
    if at:
        after = ratios(table_of([changed[i] for i in at], protocol))
        before = ratios(table_of([plain[i] for i in at], protocol))
        row |= differences(NAMES, before, after, images, resamples)
    for label, has in (("T-acc", True), ("N-acc", False)):
        those = [i for i, sample in enumerate(samples) if bool(sample.targets) is has]
        if those:
            row[label] = float(np.mean([changed[i].found(min_score) is has for i in those]))
            row[f"{label} before"] = float(np.mean([plain[i].found(min_score) is has for i in those]))
    return row
