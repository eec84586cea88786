"""Where training views come from: folders of labelled imagery, whole-picture scenes put side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

import numpy as np
from PIL import Image

from rs2sam2.data.builder.annotated import AnnotatedImage
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import KINDS_OF, canonical
from rs2sam2.errors import DataError
from rs2sam2.objects.training.sources import Piece, Source, source_of


class Pool(Protocol):
    """Gives sources to look at."""

    name: str
    weight: float
    zoom: float

    def draw(self, random: Random) -> Source:
        """One of them."""
        ...


@dataclass(frozen=True)
class ImagePool:
    """Annotated images. `zoom`: how often a view closes in on an object."""

    name: str
    sources: tuple[Source, ...]
    weight: float
    zoom: float = 0.5

    def draw(self, random: Random) -> Source:
        """Any of them alike."""
        return random.choice(self.sources)


def image_pool(
    name: str,
    images: Sequence[AnnotatedImage],
    weight: float,
    zoom: float = 0.5,
    known: Sequence[str] | None = None,
    advance: Callable[[], None] = lambda: None,
) -> ImagePool:
    """Annotated images, read into memory. `known`: classes annotated throughout (default: those that occur)."""
    classes = set(known or ()) or {canonical(o.category) for image in images for o in image.layout.objects}
    sources = []
    for image in images:
        sources.append(source_of(image, related(classes)))
        advance()
    if not sources:
        raise DataError(f"{name}: no images; check the recipe")
    return ImagePool(name, tuple(sources), weight, zoom)


def related(classes: set[str] | Sequence[str]) -> frozenset[str]:
    """Canonical classes, and general ones with their kinds, where one of them is known."""
    names = {canonical(c) for c in classes}
    for general, kinds in KINDS_OF.items():
        if general in names or "car" in names & kinds:
            names |= {general, *kinds}
    return frozenset(names)


APPROXIMATE = {"stadium": 0.84, "ground track field": 0.84, "baseball field": 0.84}
"""Share of a picture's side that such a thing fills, where a mask can be guessed at all."""
LEFT_OUT = frozenset({"bridge", "freeway", "harbor"})
"""They run through their pictures and end nowhere in them: a box would be wrong."""
CANVAS = 512


@dataclass(frozen=True)
class MosaicPool:
    """Pictures each filled by one thing, alone or put side by side so that there is something to choose from."""

    name: str
    pictures: tuple[tuple[str, Path], ...]  # canonical class, or "none"
    weight: float
    zoom: float = 0.0

    def draw(self, random: Random) -> Source:
        """One picture, or two to four in the cells of an uneven grid."""
        columns, rows = random.choice(((1, 1), (2, 1), (1, 2), (2, 2), (2, 2)))
        xs, ys = _cuts(columns, random), _cuts(rows, random)
        canvas = Image.new("RGB", (CANVAS, CANVAS))
        objects: list[SceneObject] = []
        pieces: list[Piece | None] = []
        for j in range(rows):
            for i in range(columns):
                box = (xs[i], ys[j], xs[i + 1], ys[j + 1])
                category, path = random.choice(self.pictures)
                size = (box[2] - box[0], box[3] - box[1])
                try:
                    with Image.open(path) as picture:
                        rgb = picture.convert("RGB")
                except OSError as error:
                    raise DataError(f"image {path} cannot be read ({error})") from None
                # no stretching: the middle part of the cell's shape
                ratio = min(rgb.width / size[0], rgb.height / size[1])
                w, h = size[0] * ratio, size[1] * ratio
                left, top = max(0.0, (rgb.width - w) / 2), max(0.0, (rgb.height - h) / 2)
                part = (left, top, min(left + w, rgb.width), min(top + h, rgb.height))
                canvas.paste(rgb.resize(size, Image.Resampling.BICUBIC, box=part), box[:2])
                if category == "none":
                    continue
                shape = _inner(category, box, (part[2] - part[0]) / rgb.width, (part[3] - part[1]) / rgb.height)
                objects.append(SceneObject(category, shape, (shape[2] - shape[0]) * (shape[3] - shape[1])))
                pieces.append(_piece(category, shape) if category in APPROXIMATE else None)
        known = frozenset(category for category, _ in self.pictures if category != "none")
        return Source(np.asarray(canvas), Layout(CANVAS, CANVAS, tuple(objects)), tuple(pieces), known)


def _cuts(count: int, random: Random) -> list[int]:
    return [0, CANVAS] if count == 1 else [0, round(CANVAS * random.uniform(0.35, 0.65)), CANVAS]


def _inner(
    category: str, box: tuple[int, int, int, int], seen_x: float, seen_y: float
) -> tuple[float, float, float, float]:
    """Where the thing lies in its cell: its share of the picture, but no more than the cell shows."""
    share = APPROXIMATE.get(category, 1.0)
    x, y = min(1.0, share / seen_x) * (box[2] - box[0]) / 2, min(1.0, share / seen_y) * (box[3] - box[1]) / 2
    cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return cx - x, cy - y, cx + x, cy + y


def _piece(category: str, box: tuple[float, float, float, float]) -> Piece:
    height, width = max(1, round(box[3] - box[1])), max(1, round(box[2] - box[0]))
    mask = np.full((height, width), 255, np.uint8)
    if category == "stadium":
        y, x = np.ogrid[:height, :width]
        mask[((x + 0.5) / width * 2 - 1) ** 2 + ((y + 0.5) / height * 2 - 1) ** 2 > 1] = 0
    return Piece(round(box[0]), round(box[1]), Image.fromarray(mask))


def mosaic_pool(name: str, labels: Path, weight: float) -> MosaicPool:
    """From a `labels.csv` with the columns file and category; classes that a picture merely contains are left out."""
    from rs2sam2.data.builder.scenes import ROUND, SQUARE, WHOLE, scene_rows

    usable = (ROUND | SQUARE | WHOLE | {"none"}) - LEFT_OUT
    pictures = [(canonical(row["category"]), labels.parent / row["file"]) for row in scene_rows(labels)]
    return MosaicPool(name, tuple(p for p in pictures if p[0] in usable), weight)
