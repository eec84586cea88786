"""A mask that comes in bands of rows -> one polygon for each of its connected pieces, seams dissolved, holes kept.

Pixels are connected through their sides, so every polygon is valid and follows the pixels' edges exactly. What reaches
the last row of a band stays open until a band does not continue it; everything else is handed on at once, so memory
depends on what is open, not on the scene.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.expected import one_at_a_time

if TYPE_CHECKING:
    from shapely import Polygon

TRIES = 4
"""Tolerances tried, each half the one before, until an outline keeps to what was asked; else it stays as it is."""


@dataclass(frozen=True)
class Piece:
    """A connected piece of a mask: its polygon in pixels (column, row), how many pixels, the mean of a value over them."""

    polygon: Polygon
    pixels: int
    mean: float


@dataclass
class _Component:
    """What is known so far of a piece that may go on below."""

    parts: list[Any] = field(default_factory=list)
    pixels: int = 0
    total: int = 0

    def take(self, other: _Component) -> None:
        self.parts += other.parts
        self.pixels += other.pixels
        self.total += other.total


class Polygonizer:
    """Feed bands from the top with `add`, then take the rest from `finish`."""

    def __init__(self, width: int) -> None:
        self._row = 0
        self._edge = np.zeros(width, np.int64)  # 1 + the open component below each pixel of the last row, 0 for none
        self._open: list[_Component] = []

    def add(self, mask: NDArray[np.bool_], values: NDArray[np.uint8]) -> Iterator[Piece]:
        """The pieces that end in or before the next band. ``mask`` and ``values`` are (H, W), right below what came before."""
        if not mask.any():
            yield from self.finish()
            self._row += len(mask)
            return
        parts, labels = _pieces(mask, self._row)
        pixels = np.bincount(labels.ravel(), minlength=len(parts) + 1)
        totals = np.bincount(labels.ravel(), weights=values.ravel(), minlength=len(parts) + 1)
        fresh = [_Component([part], int(pixels[i + 1]), int(totals[i + 1])) for i, part in enumerate(parts)]
        # Union-find over the open components and the fresh ones, joined where they share a side across the seam.
        everything = [*self._open, *fresh]
        parent = list(range(len(everything)))

        def root(i: int) -> int:
            while parent[i] != i:
                parent[i] = parent[parent[i]]
                i = parent[i]
            return i

        seam = (self._edge > 0) & (labels[0] > 0)
        touching = np.stack([self._edge[seam] - 1, labels[0][seam] - 1 + len(self._open)], 1)
        for a, b in np.unique(touching, axis=0):
            first, second = sorted((root(int(a)), root(int(b))))
            parent[second] = first
        for i in range(len(everything)):
            if root(i) != i:
                everything[root(i)].take(everything[i])
        numbers = np.array([0, *(root(i + len(self._open)) + 1 for i in range(len(fresh)))], np.int64)
        edge = numbers[labels[-1]]
        still_open = [int(i) for i in np.unique(edge) if i]
        renumbered = np.zeros(len(everything) + 1, np.int64)
        renumbered[still_open] = np.arange(1, len(still_open) + 1)
        closed = [everything[i] for i in range(len(everything)) if root(i) == i and not renumbered[i + 1]]
        self._edge, self._open = renumbered[edge], [everything[i - 1] for i in still_open]
        self._row += len(mask)
        for component in closed:
            yield _close(component)

    def finish(self) -> Iterator[Piece]:
        """The pieces that are still open."""
        rest, self._open = self._open, []
        self._edge = np.zeros_like(self._edge)
        for component in rest:
            yield _close(component)


def _pieces(mask: NDArray[np.bool_], row: int) -> tuple[list[Any], NDArray[np.int32]]:
    """Polygons of the connected pieces of a band, and the band with the number of its polygon (from 1) in each pixel."""
    import shapely
    from affine import Affine
    from rasterio.features import rasterize, shapes

    filled = mask.astype(np.uint8)
    place = Affine.translation(0, row + 1)  # never the identity, about which rasterio warns, in a way unsafe in threads
    with one_at_a_time():
        found = [geometry for geometry, _ in shapes(filled, mask=mask, connectivity=4, transform=place)]
        labels = rasterize(
            ((geometry, i + 1) for i, geometry in enumerate(found)), mask.shape, transform=place, dtype="int32"
        )
    polygons = [shapely.Polygon(g["coordinates"][0], g["coordinates"][1:]) for g in found]
    return list(shapely.transform(polygons, lambda xy: xy - [0, 1])), np.asarray(labels)


def _close(component: _Component) -> Piece:
    import shapely

    whole = component.parts[0] if len(component.parts) == 1 else shapely.union_all(component.parts)
    return Piece(tidy(whole), component.pixels, component.total / component.pixels)


def tidy(polygon: Any) -> Polygon:
    """The same area with corners alone, in an order that does not depend on how it was put together."""
    import shapely

    with one_at_a_time():
        valid = polygon.is_valid
    if not valid:  # an outline that touches itself in a corner: that is a hole by the standard
        polygon = polygon.buffer(0)
    rings = [_corners(np.asarray(ring.coords)) for ring in (polygon.exterior, *polygon.interiors)]
    result: Polygon = shapely.normalize(shapely.Polygon(rings[0], rings[1:]))
    return result


def simplified(polygons: Sequence[Polygon], tolerance: float, pixel: tuple[float, float]) -> list[Polygon]:
    """Fewer corners, none of them moved, and no outline farther from what it was than ``tolerance``.

    ``pixel`` is the width and height of a pixel in the tolerance's unit. A polygon stays one, and valid: GEOS does not
    promise the distance, nor that rings which touch in a corner stay apart, so where it fails, a smaller tolerance is tried.
    """
    import shapely

    results, left = list(polygons), list(range(len(polygons)))
    stretched = shapely.transform(np.asarray(polygons, object), lambda xy: xy * pixel)
    for step in range(TRIES):
        if not left:
            break
        simple = shapely.transform(
            shapely.simplify(stretched[left], tolerance / 2**step), lambda xy: np.rint(xy / pixel)
        )
        again = []
        for i, polygon in zip(left, simple, strict=True):
            with one_at_a_time():
                valid = polygon.geom_type == "Polygon" and polygon.is_valid
            placed = shapely.transform(polygon, lambda xy: xy * pixel)
            if valid and _as_near(stretched[i], placed, tolerance, max(tolerance, *pixel) / 4):
                results[i] = polygon
            else:
                again.append(i)
        left = again
    return results


def _as_near(a: Any, b: Any, tolerance: float, step: float) -> bool:
    """Whether the outlines of two polygons, every ``step`` of them, are nowhere farther from each other than a tolerance."""
    import shapely

    for one, other in ((a.boundary, b.boundary), (b.boundary, a.boundary)):
        points = shapely.points(shapely.get_coordinates(shapely.segmentize(one, step)))
        shapely.prepare(other)
        if not shapely.dwithin(other, points, tolerance * (1 + 1e-9)).all():
            return False
    return True


def _corners(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """A closed ring of horizontal and vertical edges without the points inside an edge."""
    points = ring[:-1]
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    kept = points[before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]]
    return np.concatenate([kept, kept[:1]])
