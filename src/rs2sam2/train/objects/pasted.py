"""Scenes put together: real layouts, filled with cut-outs of annotated objects, on pictures that hold nothing.

Layouts of a benchmark show what lies beside what, how large and where; other imagery shows what the things look like.
Pasting objects teaches masks as well as whole scenes do (G. Ghiasi et al., "Simple copy-paste", CVPR 2021).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from rs2sam2.data.builder.scenes import NOTHING, scene_rows
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.errors import DataError
from rs2sam2.train.objects.layouts import read_layouts
from rs2sam2.train.objects.options import PoolOptions
from rs2sam2.train.objects.sources import Piece, Record, Source

LEAST = 12
"""Sides in pixels that a cut-out must have at least."""
CHOICES = 6
"""Cut-outs that are looked at for one of fitting size and shape, and layouts for one that can be filled."""
ENLARGED = 2.5
"""A cut-out is made larger by no more than this: it would be a blur."""
SPECK = 4
"""In pixels of the layout: for less there is nothing to see."""
LEFT_OVER = 0.5
"""A thing of which others cover more than this is taken away."""


@dataclass(frozen=True)
class CutOut:
    """Object number `index` of a record."""

    record: Record
    index: int

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        piece = self.record.pieces[self.index]
        assert piece is not None
        return piece.mask.size

    def read(self) -> tuple[Image.Image, Image.Image, SceneObject]:
        """RGB and mask of its box, and what is known of it. Raises DataError where the file cannot be read."""
        piece = self.record.pieces[self.index]
        assert piece is not None
        width, height = piece.mask.size
        pixels = self.record.read().pixels[piece.top :, piece.left :][:height, :width]
        return Image.fromarray(pixels), piece.mask, self.record.layout.objects[self.index]


@dataclass(frozen=True)
class PastedPool:
    """Layouts to be filled."""

    name: str
    layouts: tuple[Layout, ...]
    cut_outs: Mapping[str, tuple[CutOut, ...]]  # by canonical class
    grounds: tuple[Path, ...]
    weight: float
    zoom: float

    def __len__(self) -> int:
        return len(self.layouts)

    def classes(self) -> set[str]:
        """Of what can be pasted."""
        return set(self.cut_outs)

    def shown(self) -> set[str]:
        """The same."""
        return self.classes()

    def contents(self) -> Iterator[tuple[str, ...]]:
        """Layouts."""
        for layout in self.layouts:
            yield (repr(layout),)

    def draw(self, random: Random) -> Source:
        """A layout filled; things for which there is no cut-out are left out. Raises DataError for an unreadable image."""
        for _ in range(CHOICES):  # some layouts hold only what no cut-out is large enough for
            source = self._filled(random.choice(self.layouts), random)
            if source.pieces:
                break
        return source

    def _filled(self, layout: Layout, random: Random) -> Source:
        size = round(layout.width), round(layout.height)
        canvas = _ground(random.choice(self.grounds), size, random)
        owner = np.full((size[1], size[0]), -1, np.int16)  # which thing is on top in each pixel
        things: list[SceneObject] = []
        # large ones first: ships lie on the harbor
        for wanted in sorted(layout.objects, key=lambda o: -o.box_area):
            fitting = self._fitting(wanted, random)
            if fitting is not None:
                thing = _paste(canvas, owner, len(things), fitting, wanted)
                things.append(thing)
        kept, pieces = _what_is_left(owner, things)
        return Source(np.asarray(canvas), Layout(*size, kept), pieces, frozenset(self.cut_outs))

    def _fitting(self, wanted: SceneObject, random: Random) -> CutOut | None:
        """Of a few cut-outs of its class, the one that comes closest in size and shape."""
        found = self.cut_outs.get(canonical(wanted.category))
        width, height = wanted.box[2] - wanted.box[0], wanted.box[3] - wanted.box[1]
        if not found or min(width, height) < SPECK:
            return None
        few = [random.choice(found) for _ in range(CHOICES)]
        usable = [cut for cut in few if _ratio(cut, wanted) <= ENLARGED]

        def misfit(cut: CutOut) -> float:
            return abs(math.log(width / cut.size[0])) + abs(math.log(height / cut.size[1]))

        return min(usable, key=misfit, default=None)


def pasted_pool(name: str, pool: PoolOptions, root: Path, records: Sequence[Record]) -> PastedPool:
    """Layouts, to be filled from the records, on those pictures of category "none" that fit a pattern of `grounds`.

    Raises DataError where there is nothing to cut out or to paste on.
    """
    layouts = list(dict.fromkeys(real.layout for real in read_layouts(root / str(pool.layouts))))
    labels = root / str(pool.labels)
    wanted = {canonical(o.category) for layout in layouts for o in layout.objects}
    cut_outs: defaultdict[str, list[CutOut]] = defaultdict(list)
    for record in records:
        for i, (o, piece) in enumerate(zip(record.layout.objects, record.pieces, strict=True)):
            category = canonical(o.category)
            if category in wanted and piece is not None and record.placed and _whole(o, piece, record.layout):
                cut_outs[category].append(CutOut(record, i))
    files = [row["file"] for row in scene_rows(labels) if row["category"] == NOTHING]
    grounds = [labels.parent / file for file in files if any(fnmatch(file, pattern) for pattern in pool.grounds)]
    filled = tuple(x for x in layouts if any(canonical(o.category) in cut_outs for o in x.objects))
    for there, what in (
        (filled, "object to cut out of the other pools"),
        (grounds, f"picture of category none in {labels} that fits grounds"),
    ):
        if not there:
            raise DataError(f"pool {name}: no {what}; leave it out with --data.pools.{name}=null")
    return PastedPool(name, filled, {k: tuple(v) for k, v in cut_outs.items()}, tuple(grounds), pool.weight, pool.zoom)


def _whole(o: SceneObject, piece: Piece, layout: Layout) -> bool:
    """Neither tiny nor cut by the image's edge."""
    x0, y0, x1, y1 = o.box
    inside = x0 > 1 and y0 > 1 and x1 < layout.width - 1 and y1 < layout.height - 1
    return inside and min(piece.mask.size) >= LEAST


def _ratio(cut: CutOut, wanted: SceneObject) -> float:
    """What a cut-out is enlarged by to fit into a box, its shape kept."""
    return min((wanted.box[2] - wanted.box[0]) / cut.size[0], (wanted.box[3] - wanted.box[1]) / cut.size[1])


def _ground(path: Path, size: tuple[int, int], random: Random) -> Image.Image:
    """A random part of a picture, at least half of it."""
    try:
        with Image.open(path) as picture:
            rgb = picture.convert("RGB")
    except OSError as error:
        raise DataError(f"image {path} cannot be read ({error})") from None
    side = min(rgb.size) * random.uniform(0.5, 1)
    left, top = random.uniform(0, rgb.width - side), random.uniform(0, rgb.height - side)
    return rgb.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))


def _paste(canvas: Image.Image, owner: NDArray[np.int16], number: int, cut: CutOut, wanted: SceneObject) -> SceneObject:
    """Put a cut-out into the middle of a box, drawn on `canvas` and entered in `owner`; what is known of it there."""
    rgb, mask, known = cut.read()
    ratio = _ratio(cut, wanted)
    size = max(1, round(rgb.width * ratio)), max(1, round(rgb.height * ratio))
    left = round((wanted.box[0] + wanted.box[2] - size[0]) / 2)
    top = round((wanted.box[1] + wanted.box[3] - size[1]) / 2)
    left, top = (min(max(v, 0), limit - s) for v, limit, s in zip((left, top), canvas.size, size, strict=True))
    mask = mask.resize(size, Image.Resampling.BILINEAR)
    canvas.paste(rgb.resize(size, Image.Resampling.BICUBIC), (left, top), mask.filter(ImageFilter.GaussianBlur(0.7)))
    here = owner[top : top + size[1], left : left + size[0]]
    here[np.asarray(mask) > 127] = number
    area = float((np.asarray(mask) > 127).sum())
    box = (left, top, left + size[0], top + size[1])
    return replace(known, category=canonical(wanted.category), box=box, area=area, visible=1.0)


def _what_is_left(
    owner: NDArray[np.int16], things: Sequence[SceneObject]
) -> tuple[tuple[SceneObject, ...], tuple[Piece, ...]]:
    """The things that others do not cover, with the masks that show."""
    kept, pieces = [], []
    for number, thing in enumerate(things):
        mask = owner == number
        shown = float(mask.sum())
        if shown >= LEFT_OVER * thing.area and shown > 0:
            image = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
            box = image.getbbox()
            assert box is not None
            kept.append(replace(thing, box=box, area=shown))
            pieces.append(Piece(box[0], box[1], image.crop(box)))
    return tuple(kept), tuple(pieces)
