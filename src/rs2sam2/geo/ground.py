"""From pixels to the ground: metres a pixel and true areas, in whatever coordinate reference system a scene is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS
    from shapely import Polygon

LONGEST_EDGE = 256
"""Pixels; longer edges get points in between before a projection bends them."""


@dataclass(frozen=True)
class Ground:
    """A scene's grid on the earth. ``affine`` maps (column, row) to the CRS; ``crs`` None knows no metres."""

    crs: CRS | None
    affine: Affine
    size: tuple[int, int]

    def place(self, polygons: Sequence[Polygon]) -> NDArray[Any]:
        """Polygons in pixels (column, row) -> polygons in the scene's CRS."""
        import shapely

        a, b, c, d, e, f = self.affine[:6]
        matrix, shift = np.array([[a, d], [b, e]]), np.array([c, f])
        return np.asarray(shapely.transform(np.asarray(polygons, object), lambda xy: xy @ matrix + shift))

    def reproject(self, polygons: Sequence[Polygon], crs: Any) -> NDArray[Any]:
        """Polygons in pixels -> polygons in another CRS, bent as its projection bends them."""
        import shapely
        from rasterio.warp import transform

        fine = shapely.segmentize(np.asarray(polygons, object), LONGEST_EDGE)

        def convert(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            x, y = transform(self.crs, crs, xy[:, 0].tolist(), xy[:, 1].tolist())
            return np.stack([x, y], 1)

        return np.asarray(shapely.transform(self.place(fine), convert))

    def areas(self, polygons: Sequence[Polygon]) -> NDArray[np.float64] | None:
        """Square metres on the ellipsoid of polygons in pixels; None without a CRS.

        By Lambert's azimuthal equal-area projection around the scene, which is exact for areas everywhere (Snyder, Map
        Projections, 1987, p. 187), so degrees, feet and Web Mercator's stretched metres all give true square metres.
        """
        import shapely

        equal_area = self._equal_area()
        if equal_area is not None:
            return np.asarray(shapely.area(self.reproject(polygons, equal_area)))
        if self.crs is None:
            return None
        factor = float(self.crs.linear_units_factor[1])
        return np.asarray(shapely.area(self.place(polygons))) * factor**2

    def pixel_metres(self) -> tuple[float, float] | None:
        """Width and height of the pixel in the middle; None without a CRS."""
        from shapely import box

        equal_area = self._equal_area()
        if self.crs is None:
            return None
        y, x = self.size[0] // 2, self.size[1] // 2
        pixel = box(x, y, x + 1, y + 1)
        if equal_area is not None:
            corners, factor = np.asarray(self.reproject([pixel], equal_area)[0].exterior.coords), 1.0
        else:
            corners, factor = np.asarray(self.place([pixel])[0].exterior.coords), float(self.crs.linear_units_factor[1])
        height, width = (factor * float(np.hypot(*(corners[i + 1] - corners[i]))) for i in (0, 1))
        return width, height

    def outline(self, crs: Any) -> Any:
        """The frame's outline as a polygon in another CRS."""
        from shapely import box

        return self.reproject([box(0, 0, self.size[1], self.size[0])], crs)[0]

    def _equal_area(self) -> CRS | None:
        """None for a CRS that is not on the earth: none, or a local one."""
        from rasterio.crs import CRS
        from rasterio.warp import transform

        if self.crs is None or not (self.crs.is_geographic or self.crs.is_projected):
            return None
        a, b, c, d, e, f = self.affine[:6]
        row, column = self.size[0] / 2, self.size[1] / 2
        x, y = a * column + b * row + c, d * column + e * row + f
        (longitude,), (latitude,) = transform(self.crs, "EPSG:4326", [x], [y])
        return CRS.from_proj4(f"+proj=laea +lat_0={latitude:.6f} +lon_0={longitude:.6f} +datum=WGS84 +units=m")


def cut_at_antimeridian(polygon: Any) -> Any:
    """A polygon in degrees, which jumps from 180 E to 180 W if it crosses there -> as RFC 7946 (3.1.9) wants it, in parts."""
    import shapely

    if polygon.bounds[2] - polygon.bounds[0] <= 180:
        return polygon
    east = shapely.transform(polygon, lambda xy: np.stack([xy[:, 0] % 360, xy[:, 1]], 1))
    parts = []
    for left in (0, 180):
        part = shapely.intersection(east, shapely.box(left, -90, left + 180, 90))
        parts += [p for p in shapely.get_parts(part) if p.geom_type == "Polygon"]
    return shapely.MultiPolygon([shapely.transform(p, _westwards) for p in parts])


def _westwards(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes of 180 ... 360 -> -180 ... 0; a part of the other half stays."""
    return xy - [360, 0] if xy[:, 0].max() > 180 else xy


def shifted(affine: Affine, row: int, column: int) -> Affine:
    """The affine of a grid whose first pixel is the one at (row, column) of another. affine 2 and 3 write products differently."""
    from affine import Affine

    a, b, c, d, e, f = affine[:6]
    return Affine(a, b, a * column + b * row + c, d, e, d * column + e * row + f)
