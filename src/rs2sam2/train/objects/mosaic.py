"""Pictures each filled by one thing, side by side, so that there is something to choose from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from rs2sam2.data.builder.annotated import AnnotatedImage
from rs2sam2.data.builder.scenes import NOTHING, ROUND, SQUARE, WHOLE, scene_rows
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.data.language.symmetry import Box
from rs2sam2.errors import DataError
from rs2sam2.train.objects.sources import Piece, Source, piece_of

APPROXIMATE = {"stadium": 0.84, "ground track field": 0.84}
"""Share of a picture's side that such a thing fills, where a mask can be guessed at all."""
LEFT_OUT = frozenset({"bridge", "freeway", "harbor"})
"""They run through their pictures: a box as large would be wrong."""
LOCATED = (ROUND | SQUARE | WHOLE) - LEFT_OUT
"""Classes of which a picture says where they are."""
PARTIAL = frozenset({"overpass", "train station", "ground track field"})
"""They take up a part of their pictures: once some are outlined, the others no longer say where they are."""
DOUBTED = frozenset({"ground track field"})
"""Half of AID's playgrounds are pitches without a track: once some are outlined, the others say nothing."""
MAY_SHOW: Mapping[str, frozenset[str]] = {
    picture: frozenset(shown.split(", "))
    for picture, shown in {
        "airport": "airplane, parking lot, intersection",
        "airplane": "airport, parking lot",
        "overpass": "intersection, parking lot",
        "bridge": "intersection, parking lot",
        "harbor": "parking lot",
        "train station": "overpass, intersection, parking lot",
        "stadium": "ground track field, soccer field, baseball field, parking lot",
        "ground track field": "soccer field, tennis court, parking lot",
        "baseball field": "soccer field, tennis court, parking lot",
        "tennis court": "parking lot",
        "school": "ground track field, soccer field, baseball field, tennis court, parking lot, intersection",
        "parking lot": "intersection",
        "industrial area": "parking lot, intersection",
        "golf field": "parking lot",
        "intersection": "parking lot, overpass",
        NOTHING: "soccer field, tennis court, parking lot, intersection",
    }.items()
}
"""What is often in such a picture although its label does not say so: nobody has looked, so it is not denied."""
OUTLINED = 0.7
"""Share of the cells that are given to outlined pictures, where there are any."""
CANVAS = 512
Thing = tuple[SceneObject, Piece | None]
Picture = tuple[str, Path]
"""Canonical class, or NOTHING, and file."""


@dataclass(frozen=True)
class MosaicPool:
    """Pictures each filled by one thing, alone or two to four of them in the cells of an uneven grid.

    A picture that merely contains a class, nobody knows where, comes alone: it shows what is not beside that class, and
    that the class is there. Where outlines are drawn, they are what a picture says.
    """

    name: str
    pictures: tuple[Picture, ...]
    weight: float
    zoom: float = 0.0
    beside: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """See `never_beside`."""
    outlines: Mapping[Path, AnnotatedImage] = field(default_factory=dict)
    """Pictures of which everything of their class is outlined."""

    def __len__(self) -> int:
        return len(self.pictures)

    def parted(self, share: float) -> tuple[MosaicPool, MosaicPool]:
        """Without the last `share` of the pictures of each class, and those alone."""
        by_class: defaultdict[str, list[Picture]] = defaultdict(list)
        for picture in self.pictures:
            by_class[picture[0]].append(picture)
        kept: list[Picture] = []
        held: list[Picture] = []
        for pictures in by_class.values():
            count = round(share * len(pictures))
            kept += pictures[: len(pictures) - count]
            held += pictures[len(pictures) - count :]
        return replace(self, pictures=tuple(kept)), replace(self, pictures=tuple(held))

    def classes(self) -> set[str]:
        """Of what is located: by an outline, or by the label."""
        return set(self._classes)

    def shown(self) -> set[str]:
        """What is located, and what the labels name."""
        return set(self._classes | {category for category, _ in self.pictures} - {NOTHING})

    @cached_property
    def _classes(self) -> frozenset[str]:
        listed = {canonical(o.category) for _, path in self.pictures for o in self._objects(path)}
        labels = {c for c, path in self.pictures if path not in self.outlines and self._locates(c, path)}
        return frozenset(listed | labels - {NOTHING})

    @cached_property
    def _choice(self) -> tuple[list[list[Picture]], list[list[Picture]]]:
        """What a cell may show, class by class: all that is located, and of these the outlined pictures."""
        located: defaultdict[str, list[Picture]] = defaultdict(list)
        for category, path in self.pictures:
            if self._locates(category, path):
                located[category].append((category, path))
        outlined = [[(c, path) for c, path in pictures if path in self.outlines] for pictures in located.values()]
        return list(located.values()), [pictures for pictures in outlined if pictures]

    def _locates(self, category: str, path: Path) -> bool:
        """Whether a picture says where its thing is; where nothing is, that is said as well."""
        return (
            path in self.outlines
            or category == NOTHING
            or category in (LOCATED - PARTIAL if self.outlines else LOCATED)
        )

    def contents(self) -> Iterator[tuple[str, ...]]:
        """Class and name, and what is outlined."""
        for category, path in self.pictures:
            image = self.outlines.get(path)
            yield (category, path.name) if image is None else (category, path.name, repr(image.layout))

    def draw(self, random: Random) -> Source:
        """A mosaic. Raises DataError where a picture cannot be read."""
        category, path = random.choice(self.pictures)
        if not self._locates(category, path):
            return self._alone(category, path)
        located, outlined = self._choice
        columns, rows = random.choice(((1, 1), (2, 1), (1, 2), (2, 2), (2, 2)))
        xs, ys = _cuts(columns, random), _cuts(rows, random)
        canvas = Image.new("RGB", (CANVAS, CANVAS))
        things: list[Thing] = []
        denied: list[frozenset[str]] = []  # cell by cell
        for j in range(rows):
            for i in range(columns):
                cell = (xs[i], ys[j], xs[i + 1], ys[j + 1])
                # a class as often as another: some have thirty pictures, some a thousand
                classes = outlined if outlined and random.random() < OUTLINED else located
                category, path = random.choice(random.choice(classes))
                looked_for = {canonical(o.category) for o in self._objects(path)}
                rest = self._classes - (MAY_SHOW.get(category, frozenset()) - looked_for)
                denied.append(rest | self.beside.get(category, frozenset()))
                part, size = _paste(canvas, path, cell)
                if path in self.outlines:
                    things += _outlined(self.outlines[path], part, cell)
                elif category != NOTHING:
                    things.append(_roughly(category, part, size, cell))
        layout = Layout(CANVAS, CANVAS, tuple(thing for thing, _ in things))
        return Source(np.asarray(canvas), layout, tuple(piece for _, piece in things), frozenset.intersection(*denied))

    def _objects(self, path: Path) -> tuple[SceneObject, ...]:
        return self.outlines[path].layout.objects if path in self.outlines else ()

    def _alone(self, category: str, path: Path) -> Source:
        canvas = Image.new("RGB", (CANVAS, CANVAS))
        _paste(canvas, path, (0, 0, CANVAS, CANVAS))
        return Source(
            np.asarray(canvas), Layout(CANVAS, CANVAS), (), self.beside[category], somewhere=frozenset({category})
        )


def mosaic_pool(
    name: str,
    labels: Path,
    weight: float,
    zoom: float = 0.0,
    beside: Mapping[str, frozenset[str]] | None = None,
    outlined: Iterable[AnnotatedImage] = (),
) -> MosaicPool:
    """From a `labels.csv` with the columns file and category; `outlined`: some of its pictures, with everything of their class.

    Classes that a picture merely contains are left out, but for those of which it is known what is not `beside` them.
    Raises DataError where there are outlines, but of none of the pictures.
    """
    beside = beside or {}
    pictures = tuple((canonical(row["category"]), labels.parent / row["file"]) for row in scene_rows(labels))
    outlines = {image.image: image for image in outlined if image.targets}
    if outlines and outlines.keys().isdisjoint(path for _, path in pictures):
        some = next(iter(outlines)).name
        raise DataError(
            f"outlines of {some} and others are of no picture that {labels} lists; write the same file names in both"
        )
    pool = MosaicPool(name, pictures, weight, zoom, beside, outlines)
    doubted = DOUBTED if outlines else frozenset()
    kept = (p for p in pictures if pool._locates(*p) or (beside.get(p[0]) and p[0] not in doubted))
    return replace(pool, pictures=tuple(kept))


def _cuts(count: int, random: Random) -> list[int]:
    return [0, CANVAS] if count == 1 else [0, round(CANVAS * random.uniform(0.35, 0.65)), CANVAS]


def _paste(canvas: Image.Image, path: Path, cell: tuple[int, int, int, int]) -> tuple[Box, tuple[int, int]]:
    """The middle part of a picture that has the cell's shape, not stretched; that part, and the picture's (width, height)."""
    try:
        with Image.open(path) as picture:
            rgb = picture.convert("RGB")
    except OSError as error:
        raise DataError(f"image {path} cannot be read ({error})") from None
    size = (cell[2] - cell[0], cell[3] - cell[1])
    ratio = min(rgb.width / size[0], rgb.height / size[1])
    w, h = size[0] * ratio, size[1] * ratio
    left, top = max(0.0, (rgb.width - w) / 2), max(0.0, (rgb.height - h) / 2)
    part = (left, top, min(left + w, rgb.width), min(top + h, rgb.height))
    canvas.paste(rgb.resize(size, Image.Resampling.BICUBIC, box=part), cell[:2])
    return part, rgb.size


def _outlined(image: AnnotatedImage, part: Box, cell: tuple[int, int, int, int]) -> Iterator[Thing]:
    """What of an outlined picture is seen in its cell."""
    size = (round(image.layout.height), round(image.layout.width))
    width, height = cell[2] - cell[0], cell[3] - cell[1]
    scale = width / (part[2] - part[0])
    masks = [
        np.asarray(target.decode(size)) if target is not None else np.zeros(size, np.bool_) for target in image.targets
    ]
    pieces = [piece_of(mask, (width, height), part) for mask in masks]
    areas = [np.asarray(piece.mask).sum() / 255 / scale**2 for piece in pieces]
    layout, old = image.layout.cropped(part, areas)
    for o, index in zip(layout.objects, old, strict=True):
        piece = pieces[index]
        box = (piece.left, piece.top, piece.left + piece.mask.width, piece.top + piece.mask.height)
        placed = (box[0] + cell[0], box[1] + cell[1], box[2] + cell[0], box[3] + cell[1])
        thing = replace(o, category=canonical(o.category), box=placed, area=o.area * scale**2)
        yield thing, Piece(piece.left + cell[0], piece.top + cell[1], piece.mask)


def _roughly(category: str, part: Box, size: tuple[int, int], cell: tuple[int, int, int, int]) -> Thing:
    """The thing that fills a picture: its share of it, but no more than the cell shows."""
    share = APPROXIMATE.get(category, 1.0)
    x = min(1.0, share * size[0] / (part[2] - part[0])) * (cell[2] - cell[0]) / 2
    y = min(1.0, share * size[1] / (part[3] - part[1])) * (cell[3] - cell[1]) / 2
    cx, cy = (cell[0] + cell[2]) / 2, (cell[1] + cell[3]) / 2
    box = (cx - x, cy - y, cx + x, cy + y)
    thing = SceneObject(category, box, 4 * x * y, boxed=True)
    return thing, _piece(category, box) if category in APPROXIMATE else None


def _piece(category: str, box: Box) -> Piece:
    height, width = max(1, round(box[3] - box[1])), max(1, round(box[2] - box[0]))
    mask = np.full((height, width), 255, np.uint8)
    if category == "stadium":
        y, x = np.ogrid[:height, :width]
        mask[((x + 0.5) / width * 2 - 1) ** 2 + ((y + 0.5) / height * 2 - 1) ** 2 > 1] = 0
    return Piece(round(box[0]), round(box[1]), Image.fromarray(mask))
