"""Annotated imagery as views are cut from it: pixels, layout and the mask of each object, cut to its box."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs2sam2.data.builder.annotated import AnnotatedImage, read_pixels
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.lexicon import NETWORKS, canonical, noun_of
from rs2sam2.data.language.symmetry import Box

Pixels = NDArray[np.uint8]
LONGEST = 1024
"""Images whose longer side has more pixels are made smaller: the model sees less of them in any case."""


@dataclass(frozen=True)
class Piece:
    """An object's mask within the window of its image that starts at (left, top): uint8 0 or 255."""

    left: int
    top: int
    mask: Image.Image


@dataclass(frozen=True)
class Source:
    """One annotated image. `known`: the classes of which every instance is annotated; of others nothing can be denied."""

    pixels: Pixels  # (H, W, 3)
    layout: Layout
    pieces: tuple[Piece | None, ...]  # one an object; None where only its box is known
    known: frozenset[str]
    counted: bool = True
    placed: bool = True
    somewhere: frozenset[str] = frozenset()
    """Classes that it shows, nobody knows where."""


@dataclass(frozen=True)
class Record:
    """A source whose pixels stay in their file: annotations of thousands of images take little memory, pixels do not.

    Reading a file of some 700 px takes a few milliseconds, a tenth of what a view of it takes.
    """

    image: Path
    size: tuple[int, int]  # (height, width) of the file
    layout: Layout  # this and `pieces` in pixels of the source, which may be smaller than the file
    pieces: tuple[Piece | None, ...]
    known: frozenset[str]
    counted: bool = True
    placed: bool = True

    def read(self) -> Source:
        """With its pixels. Raises DataError where the file is no longer what was annotated."""
        pixels = read_pixels(self.image, self.size)
        size = (round(self.layout.width), round(self.layout.height))
        if size != (pixels.shape[1], pixels.shape[0]):
            pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
        return Source(pixels, self.layout, self.pieces, self.known, self.counted, self.placed)


def record_of(image: AnnotatedImage, known: frozenset[str], longest: int = LONGEST) -> Record:
    """An annotated image, made smaller where its longer side is over `longest` pixels."""
    height, width = round(image.layout.height), round(image.layout.width)
    ratio = min(1.0, longest / max(height, width))
    layout = image.layout if ratio == 1 else _smaller(image.layout, round(width * ratio), round(height * ratio))
    size = (round(layout.width), round(layout.height))
    pieces = tuple(piece_of(t.decode((height, width)), size) if t is not None else None for t in image.targets)
    return Record(image.image, (height, width), layout, pieces, known, image.counted, image.placed)


def piece_of(mask: NDArray[np.bool_], size: tuple[int, int] | None = None, part: Box | None = None) -> Piece:
    """A mask (H, W) as a piece: in an image made smaller to `size` (width, height) where that is given, or in a `part` of it
    that is brought to that size."""
    image = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
    if size is not None and part is not None:
        image = image.resize(size, Image.Resampling.BILINEAR, box=part)
    elif size is not None and size != image.size:
        image = image.resize(size, Image.Resampling.BOX)
    box = image.getbbox() or (0, 0, 1, 1)
    return Piece(box[0], box[1], image.crop(box))


def _smaller(layout: Layout, width: int, height: int) -> Layout:
    x, y = width / layout.width, height / layout.height
    objects = tuple(
        replace(o, box=(o.box[0] * x, o.box[1] * y, o.box[2] * x, o.box[3] * y), area=o.area * x * y)
        for o in layout.objects
    )
    return Layout(width, height, objects)


def is_ground(category: str) -> bool:
    """Whether a class covers ground and is no thing of its own."""
    return noun_of(category).mass or canonical(category) in NETWORKS
