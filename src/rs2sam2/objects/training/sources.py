"""Annotated imagery in memory: pixels, layout and the mask of each object, cut to its box."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs2sam2.data.builder.annotated import AnnotatedImage, read_pixels
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.lexicon import NETWORKS, canonical, noun_of

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Piece:
    """An object's mask within the window of its image that starts at (left, top): uint8 0 or 255."""

    left: int
    top: int
    mask: Image.Image


@dataclass(frozen=True)
class Source:
    """One annotated image. `known`: the classes of which every instance is annotated; of others nothing can be denied."""

    pixels: Pixels
    layout: Layout
    pieces: tuple[Piece | None, ...]  # one an object; None where only its box is known
    known: frozenset[str]
    counted: bool = True
    placed: bool = True


def source_of(image: AnnotatedImage, known: frozenset[str], max_side: int = 1024) -> Source:
    """An annotated image with its pixels read, made smaller where its longer side is over `max_side` pixels."""
    height, width = round(image.layout.height), round(image.layout.width)
    pixels = read_pixels(image.image, (height, width))
    masks = (t.decode((height, width)) if t is not None else None for t in image.targets)  # one at a time in memory
    return source_from(pixels, image.layout, masks,
                       known, counted=image.counted, placed=image.placed, max_side=max_side)  # fmt: skip


def source_from(
    pixels: Pixels,
    layout: Layout,
    masks: Iterable[NDArray[np.bool_] | None],
    known: frozenset[str],
    *,
    counted: bool = True,
    placed: bool = True,
    max_side: int = 1024,
) -> Source:
    """From pixels (H, W, 3), the layout in them and a mask (H, W) bool, or None, for each object."""
    ratio = min(1.0, max_side / max(pixels.shape[:2]))
    size = (round(pixels.shape[1] * ratio), round(pixels.shape[0] * ratio))
    pieces: list[Piece | None] = []
    for mask in masks:
        if mask is None:
            pieces.append(None)
            continue
        image = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
        if ratio < 1:
            image = image.resize(size, Image.Resampling.BOX)
        box = image.getbbox() or (0, 0, 1, 1)
        pieces.append(Piece(box[0], box[1], image.crop(box)))
    if ratio < 1:
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
        x, y = size[0] / layout.width, size[1] / layout.height
        objects = tuple(
            replace(o, box=(o.box[0] * x, o.box[1] * y, o.box[2] * x, o.box[3] * y), area=o.area * x * y)
            for o in layout.objects
        )
        layout = Layout(size[0], size[1], objects)
    return Source(np.ascontiguousarray(pixels), layout, tuple(pieces), known, counted, placed)


def is_ground(category: str) -> bool:
    """Whether a class covers ground and is no thing of its own."""
    return noun_of(category).mass or canonical(category) in NETWORKS
