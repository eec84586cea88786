"""Pictures each filled by one thing, side by side, so that there is something to choose from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from rs2sam2.data.builder.scenes import NOTHING, ROUND, SQUARE, WHOLE, scene_rows
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.errors import DataError
from rs2sam2.train.objects.sources import Piece, Source

APPROXIMATE = {"stadium": 0.84, "ground track field": 0.84, "baseball field": 0.84}
"""Share of a picture's side that such a thing fills, where a mask can be guessed at all."""
LEFT_OUT = frozenset({"bridge", "freeway", "harbor"})
"""They run through their pictures and end nowhere in them: a box would be wrong."""
LOCATED = (ROUND | SQUARE | WHOLE) - LEFT_OUT
"""Classes of which a picture says where they are."""
CANVAS = 512


@dataclass(frozen=True)
class MosaicPool:
    """Pictures each filled by one thing, alone or two to four of them in the cells of an uneven grid.

    A picture that merely contains a class, nobody knows where, comes alone: it shows what is not beside that class, and
    that the class is there.
    """

    name: str
    pictures: tuple[tuple[str, Path], ...]  # canonical class, or NOTHING
    weight: float
    zoom: float = 0.0
    beside: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """See `never_beside`."""

    def __len__(self) -> int:
        return len(self.pictures)

    def parted(self, share: float) -> tuple[MosaicPool, MosaicPool]:
        """Without the last `share` of the pictures of each class, and those alone."""
        by_class: defaultdict[str, list[tuple[str, Path]]] = defaultdict(list)
        for picture in self.pictures:
            by_class[picture[0]].append(picture)
        kept: list[tuple[str, Path]] = []
        held: list[tuple[str, Path]] = []
        for pictures in by_class.values():
            count = round(share * len(pictures))
            kept += pictures[: len(pictures) - count]
            held += pictures[len(pictures) - count :]
        return replace(self, pictures=tuple(kept)), replace(self, pictures=tuple(held))

    def classes(self) -> set[str]:
        """Of what is located."""
        return {category for category, _ in self.pictures if category in LOCATED}

    def contents(self) -> Iterator[tuple[str, ...]]:
        """Class and name."""
        for category, path in self.pictures:
            yield category, path.name

    def draw(self, random: Random) -> Source:
        """A mosaic. Raises DataError where a picture cannot be read."""
        category, path = random.choice(self.pictures)
        if category not in LOCATED and category != NOTHING:
            return self._alone(category, path)
        classes = self.classes()
        located = [(c, p) for c, p in self.pictures if c in LOCATED or c == NOTHING]
        columns, rows = random.choice(((1, 1), (2, 1), (1, 2), (2, 2), (2, 2)))
        xs, ys = _cuts(columns, random), _cuts(rows, random)
        canvas = Image.new("RGB", (CANVAS, CANVAS))
        objects: list[SceneObject] = []
        pieces: list[Piece | None] = []
        denied: list[frozenset[str]] = []  # cell by cell
        for j in range(rows):
            for i in range(columns):
                box = (xs[i], ys[j], xs[i + 1], ys[j + 1])
                category, path = random.choice(located)
                denied.append(self.beside.get(category, frozenset()))
                seen_x, seen_y = _paste(canvas, path, box)
                if category == NOTHING:
                    continue
                shape = _inner(category, box, seen_x, seen_y)
                objects.append(SceneObject(category, shape, (shape[2] - shape[0]) * (shape[3] - shape[1])))
                pieces.append(_piece(category, shape) if category in APPROXIMATE else None)
        layout = Layout(CANVAS, CANVAS, tuple(objects))
        return Source(np.asarray(canvas), layout, tuple(pieces), frozenset(classes) | frozenset.intersection(*denied))

    def _alone(self, category: str, path: Path) -> Source:
        canvas = Image.new("RGB", (CANVAS, CANVAS))
        _paste(canvas, path, (0, 0, CANVAS, CANVAS))
        return Source(
            np.asarray(canvas), Layout(CANVAS, CANVAS), (), self.beside[category], somewhere=frozenset({category})
        )


def mosaic_pool(
    name: str, labels: Path, weight: float, zoom: float = 0.0, beside: Mapping[str, frozenset[str]] | None = None
) -> MosaicPool:
    """From a `labels.csv` with the columns file and category.

    Classes that a picture merely contains are left out, but for those of which it is known what is not `beside` them.
    """
    beside = beside or {}
    pictures = [(canonical(row["category"]), labels.parent / row["file"]) for row in scene_rows(labels)]
    kept = tuple(p for p in pictures if p[0] in LOCATED or p[0] == NOTHING or beside.get(p[0]))
    return MosaicPool(name, kept, weight, zoom, beside)


def _cuts(count: int, random: Random) -> list[int]:
    return [0, CANVAS] if count == 1 else [0, round(CANVAS * random.uniform(0.35, 0.65)), CANVAS]


def _paste(canvas: Image.Image, path: Path, box: tuple[int, int, int, int]) -> tuple[float, float]:
    """The middle part of a picture that has the cell's shape, not stretched; its shares of the picture's width, height."""
    try:
        with Image.open(path) as picture:
            rgb = picture.convert("RGB")
    except OSError as error:
        raise DataError(f"image {path} cannot be read ({error})") from None
    size = (box[2] - box[0], box[3] - box[1])
    ratio = min(rgb.width / size[0], rgb.height / size[1])
    w, h = size[0] * ratio, size[1] * ratio
    left, top = max(0.0, (rgb.width - w) / 2), max(0.0, (rgb.height - h) / 2)
    part = (left, top, min(left + w, rgb.width), min(top + h, rgb.height))
    canvas.paste(rgb.resize(size, Image.Resampling.BICUBIC, box=part), box[:2])
    return (part[2] - part[0]) / rgb.width, (part[3] - part[1]) / rgb.height


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
