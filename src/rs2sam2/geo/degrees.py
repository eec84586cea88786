"""Polygons in degrees as RFC 7946 wants them: longitudes from -180 to 180, cut at the antimeridian, whole around a pole."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

BEYOND_THE_POLE = 1.0
"""Degrees; half a pixel of a grid whose first row has its centre on a pole."""


def on_the_earth(polygon: Any) -> bool:
    """Whether a polygon's coordinates are degrees at all: finite, none far beyond a pole."""
    _, south, _, north = polygon.bounds
    most = 90 + BEYOND_THE_POLE
    return bool(np.isfinite(polygon.bounds).all() and -most <= south and north <= most)


def on_the_globe(polygon: Any) -> Any:
    """A polygon in degrees whose longitudes may run beyond 180 or jump from 180 to -180 -> Polygon or MultiPolygon.

    Neighbouring points are taken to lie less than half the globe apart, so edges must be short. A ring that goes once
    round the globe has the nearer pole inside.
    """
    import shapely

    west, _, east, _ = polygon.bounds
    if west >= -180 and east <= 180 and east - west <= 180:
        return polygon
    shape = _cut(polygon.exterior)
    if polygon.interiors:
        shape = shape.difference(shapely.union_all([_cut(hole) for hole in polygon.interiors]))
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def box_of(shape: Any) -> tuple[float, float, float, float]:
    """West, south, east, north of what `on_the_globe` gave; west is more than east across the antimeridian (RFC 7946, 5.2)."""
    import shapely

    west, south, east, north = shape.bounds
    parts = [part.bounds for part in shapely.get_parts(shape)]
    if not any(p[0] == -180 and p[2] == 180 for p in parts) and (west, east) == (-180, 180):
        west = min(p[0] for p in parts if p[2] == 180)
        east = max(p[2] for p in parts if p[0] == -180)
    return west, south, east, north


def _cut(ring: Any) -> Any:
    """What a ring encloses, between -180 and 180."""
    import shapely

    filled = shapely.make_valid(shapely.Polygon(_followed(np.asarray(ring.coords))))
    west, _, east, _ = filled.bounds
    pieces = []
    for turn in range(math.floor((west + 180) / 360), max(math.ceil((east - 180) / 360), 0) + 1):
        piece = filled.intersection(shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90))
        pieces.append(shapely.transform(piece, lambda xy, turn=turn: xy - [360 * turn, 0]))
    return shapely.union_all(pieces)


def _followed(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points of a closed ring with longitudes that do not jump, by the pole and back where it goes round the globe."""
    followed = np.stack([np.unwrap(xy[:, 0], period=360), xy[:, 1]], 1)
    first, last = followed[0, 0], followed[-1, 0]
    if abs(last - first) < 180:
        return followed
    pole = math.copysign(90, float(xy[:, 1].mean()))
    return np.concatenate([followed, [[last, pole], [first, pole]]])
