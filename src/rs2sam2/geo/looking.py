"""How the model is shown the tiles of a scene: at which resolution, and with what around them.

A tile is shown as a square, because that is what models see: a narrow frame would be stretched to it, and what is in it to
shapes that nobody knows. Where a frame is smaller than a tile, the square goes on beyond it as the raster does, and beyond
the raster it is black; of the answer, the tile's part counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import UsageError
from rs2sam2.geo.scene import Picture, Scene, UnreadableTileError
from rs2sam2.geo.tiles import Tile, is_slim

if TYPE_CHECKING:
    from rs2sam2.geo.options import SceneOptions


@dataclass(frozen=True)
class Look:
    """How a scene is looked at.

    ``tile_size``: pixels of the scene a side of a tile. ``square``: those of the square that a tile is shown in; None shows
    it as it is. ``view``: the (height, width) that is read, where that is much less.
    """

    scene: Scene
    tile_size: int
    square: int | None
    view: tuple[int, int] | None

    @classmethod
    def plan(cls, scene: Scene, options: SceneOptions, working: int) -> Look:
        """For a model that sees ``working`` pixels a side. Raises UsageError for a gsd where a scene has no metres."""
        longest = max(scene.size)
        if options.gsd is None:
            side = options.tile_size or working
            side = side if side <= working else max(working, min(side, longest))  # there is nothing beyond to look at
            square = min(side, max(scene.whole))
            whole = scene.size == scene.whole and longest <= side and not is_slim(scene.size)
        else:
            pixel = scene.ground.pixel_metres()
            if pixel is None:
                raise UsageError(
                    f"{scene.source} has no metres, so --gsd {options.gsd:g} means nothing there; give --tile-size in pixels"
                )
            side = square = max(1, round(working * options.gsd / math.sqrt(math.prod(pixel))))
            whole = False
        shown = (min(side, scene.size[0]), min(side, scene.size[1])) if whole else (square, square)
        view = (max(1, math.ceil(shown[0] * working / side)), max(1, math.ceil(shown[1] * working / side)))
        return cls(scene, side, None if whole else square, view if side >= 2 * working else None)

    def around(self, tile: Tile) -> Tile:
        """What is shown for a tile, in pixels of the frame; it may reach beyond it."""
        if self.square is None:
            return tile
        frame, whole = self.scene.frame, self.scene.whole
        grain = self.square / self.view[0] if self.view else 1.0
        row, height = _stretch(tile.row, tile.height, self.square, -frame.row, whole[0], grain)
        column, width = _stretch(tile.column, tile.width, self.square, -frame.column, whole[1], grain)
        return Tile(row, column, height, width)

    def read(self, tile: Tile) -> Picture:
        """The picture of what is shown for a tile. Raises UnreadableTileError."""
        around = self.around(tile)
        if around == tile:
            return self.scene.read(tile, self.view)
        frame = self.scene.frame
        try:
            return self._read_within(around, Tile(-frame.row, -frame.column, *self.scene.whole))
        except UnreadableTileError:  # beyond the frame, perhaps, which need not be readable
            return self._read_within(around, Tile(0, 0, *self.scene.size))

    def inside(self, tile: Tile, size: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """Where in the picture for a tile, of (height, width) ``size``, the scene is looked at; None for everywhere."""
        return self.scene.inside(self.around(tile), (size[0], size[1]))

    def _read_within(self, around: Tile, limits: Tile) -> Picture:
        """The part of ``around`` within ``limits``, in its place; the rest is black."""
        height, width = self.view or (around.height, around.width)
        part = around.common(limits)
        top, bottom = _cells(part.row - around.row, part.height, height / around.height, height)
        left, right = _cells(part.column - around.column, part.width, width / around.width, width)
        shown = self.scene.show(part, (bottom - top, right - left))
        pixels, valid = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.bool_)
        pixels[top:bottom, left:right], valid[top:bottom, left:right] = shown.pixels, shown.valid
        return Picture(pixels, valid)


def _stretch(start: int, length: int, wanted: int, first: int, whole: int, grain: float) -> tuple[int, int]:
    """Start and length of ``wanted`` pixels around a tile's, in a raster of ``whole`` pixels from ``first`` or around it.

    Around it, so that it begins at a whole cell of a view with ``grain`` pixels a cell.
    """
    if length >= wanted:
        return start, length
    if whole < wanted:
        return first - round((wanted - whole) // 2 // grain * grain), wanted
    return min(max(start - (wanted - length) // 2, first), first + whole - wanted), wanted


def _cells(start: int, length: int, ratio: float, count: int) -> tuple[int, int]:
    """The cells of a view of ``count`` that pixels ``start`` ... fall in, one at least."""
    first = min(math.floor(start * ratio + 0.5), count - 1)
    return first, max(first + 1, math.floor((start + length) * ratio + 0.5))
