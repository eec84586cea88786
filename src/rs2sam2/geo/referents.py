"""Which pieces of the fine pass are what the coarse look chose.

The fine pass marks every thing of the kind within the place and its margin ("all airplanes"), so neighbours come along,
and specks beside the thing. What stays are the pieces that the coarse look itself had marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs2sam2.expected import one_at_a_time
from rs2sam2.geo.blending import Band
from rs2sam2.geo.polygons import Polygonizer
from rs2sam2.geo.scope import SPECK, Place
from rs2sam2.geo.tiles import Tile

if TYPE_CHECKING:
    from shapely import Polygon

MOST = 0.5
"""Share of a piece that has to be marked."""


def fine_pass(bands: Iterable[Band], places: Mapping[int, Place], least: Mapping[int, float]) -> dict[int, Referents]:
    """For each number of a phrase that has a place, what is meant of the pieces of its mask in bands of the frame.

    ``least``: their `least_share`. All pieces are held at once, so this is for phrases that mean a few of what is near.
    """
    polygonizers: dict[int, Polygonizer] = {}
    pieces: dict[int, list[Polygon]] = {p: [] for p in places}
    for band in bands:
        for p in places:
            polygonizer = polygonizers.setdefault(p, Polygonizer(band.tile.width))
            pieces[p] += [piece.polygon for piece in polygonizer.add(band.masks[p], band.scores[p])]
    for p, polygonizer in polygonizers.items():
        pieces[p] += [piece.polygon for piece in polygonizer.finish()]
    return {p: Referents(pieces[p], place.parts(), least[p]) for p, place in places.items()}


class Referents:
    """Some of ``pieces``, both these and the ``parts`` that the coarse look marked in pixels of the frame (column, row).

    A piece stays if it has more of a part than any other piece, or if most of it is marked and it is no speck beside that
    piece; and if it has ``least`` as much marked as the piece with most (see `least_share`). Where no piece meets a part, the
    largest stays.
    """

    def __init__(self, pieces: Sequence[Polygon], parts: Sequence[Polygon], least: float) -> None:
        import shapely

        shapes = np.asarray(pieces, object)
        areas = shapely.area(shapes)
        which, part = shapely.STRtree(list(parts)).query(shapes, predicate="intersects")
        shared = shapely.area(shapely.intersection(shapes[which], np.asarray(parts, object)[part]))
        marked = np.bincount(which, shared, len(shapes))
        most = np.zeros(len(parts))
        np.maximum.at(most, part, shared)
        kept = np.zeros(len(shapes), np.bool_)
        largest = (shared == most[part]) & (shared > 0)
        beside = (shared >= SPECK * most[part]) & (marked[which] > MOST * areas[which])
        kept[which[largest | beside]] = True
        kept &= marked >= least * marked[kept].max(initial=0.0)
        if not kept.any() and len(shapes):
            kept[int(np.argmax(areas))] = True
        self._shapes = shapes[kept]
        bounds = shapely.bounds(self._shapes)
        self._tops, self._bottoms = bounds[:, 1], bounds[:, 3]

    def gate(self, piece: Tile) -> NDArray[np.bool_]:
        """(H, W) of a piece of the frame: the pixels of what stays."""
        from affine import Affine
        from rasterio.features import geometry_mask
        from shapely.affinity import translate

        here = self._shapes[(self._tops < piece.bottom) & (self._bottoms > piece.row)]
        if not len(here):
            return np.zeros((piece.height, piece.width), np.bool_)
        moved = Affine.translation(piece.column, piece.row + 1)  # never the identity: see polygons.py
        with one_at_a_time():
            outside = geometry_mask([translate(p, 0, 1) for p in here], (piece.height, piece.width), moved)
        return np.asarray(~outside)
