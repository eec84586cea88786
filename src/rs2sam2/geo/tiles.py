"""Overlapping tiles that cover a frame, and the weight of each of their pixels where tiles overlap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import UsageError

OVERLAP = 0.25
"""Share of a tile that it has in common with its neighbour, unless said otherwise."""
SLIM = 2
"""Stretched more than so many times as much one way as the other, things are not found (measured on airports)."""


@dataclass(frozen=True)
class Tile:
    """A piece of a frame, in its pixels: rows row ... row + height - 1, columns column ... column + width - 1."""

    row: int
    column: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """The first row below."""
        return self.row + self.height

    @property
    def right(self) -> int:
        """The first column beside."""
        return self.column + self.width

    def common(self, other: Tile) -> Tile:
        """The part that two tiles that meet have in common."""
        row, column = max(self.row, other.row), max(self.column, other.column)
        return Tile(row, column, min(self.bottom, other.bottom) - row, min(self.right, other.right) - column)

    def meets(self, other: Tile) -> bool:
        """Whether the two have a pixel in common."""
        return (
            self.row < other.bottom
            and other.row < self.bottom
            and self.column < other.right
            and other.column < self.right
        )


def is_slim(size: tuple[int, int]) -> bool:
    """Whether what a frame shows would be stretched beyond recognition to the square that a model sees."""
    return SLIM * min(size) < max(size)


@dataclass(frozen=True)
class TileGrid:
    """Tiles of one size, row by row, spread evenly from edge to edge so that none is padded.

    A frame smaller than a tile is one tile, so every tile size from the frame's upwards gives the same grid.
    """

    size: tuple[int, int]  # (height, width) of the frame
    tile: tuple[int, int]  # (height, width) of every tile
    row_starts: tuple[int, ...]
    column_starts: tuple[int, ...]

    @classmethod
    def cover(cls, size: tuple[int, int], tile_size: int, overlap: float = OVERLAP) -> TileGrid:
        """Tiles of at most ``tile_size`` pixels a side that share at least ``overlap`` of it with the next one.

        Raises UsageError where the tile has no pixel or the overlap is not within 0 and 0.5.
        """
        if tile_size < 1:
            raise UsageError(f"a tile of {tile_size} pixels was asked for; give --tile-size 1 or more")
        if not 0 <= overlap <= 0.5:
            raise UsageError(f"an overlap of {overlap:g} was asked for; give a share between 0 and 0.5")
        tile = (min(size[0], tile_size), min(size[1], tile_size))
        starts = [_starts(length, side, overlap) for length, side in zip(size, tile, strict=True)]
        return cls(size, tile, starts[0], starts[1])

    def __len__(self) -> int:
        return len(self.row_starts) * len(self.column_starts)

    def rows(self) -> Iterator[list[Tile]]:
        """The tiles of each row of tiles, from the top."""
        for row in self.row_starts:
            yield [Tile(row, column, *self.tile) for column in self.column_starts]

    def weights(self, tile: Tile) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The weight of each row (height,) and column (width,) of a tile; a pixel's weight is their product.

        1 inside, falling linearly towards a neighbour within the overlap, never 0: what a tile sees at its border
        counts least, and two neighbours fade into each other.
        """
        return (
            _ramp(self.tile[0], *_neighbours(self.row_starts, tile.row)),
            _ramp(self.tile[1], *_neighbours(self.column_starts, tile.column)),
        )


def _starts(length: int, side: int, overlap: float) -> tuple[int, ...]:
    step = max(1, side - math.ceil(overlap * side))
    count = 1 + math.ceil((length - side) / step)
    return tuple(round(i * (length - side) / (count - 1)) for i in range(count)) if count > 1 else (0,)


def _neighbours(starts: tuple[int, ...], start: int) -> tuple[int | None, int | None]:
    """Distances to the tile before and after."""
    i = starts.index(start)
    return (
        start - starts[i - 1] if i else None,
        starts[i + 1] - start if i + 1 < len(starts) else None,
    )


def _ramp(side: int, before: int | None, after: int | None) -> NDArray[np.float32]:
    weights = np.ones(side, np.float32)
    for distance, backwards in ((before, False), (after, True)):
        shared = side - distance if distance is not None else 0
        if shared > 0:
            ramp = ((np.arange(shared) + 0.5) / shared).astype(np.float32)
            part = weights[::-1] if backwards else weights
            part[:shared] = np.minimum(part[:shared], ramp)
    return weights
