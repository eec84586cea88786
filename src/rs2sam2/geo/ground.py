"""From pixels to the ground: metres a pixel and true areas, in whatever coordinate reference system a scene is."""

from __future__ import annotations

import math
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

    def metres_per_pixel(self) -> float | None:
        """The root of the area of the pixel in the middle; None without a CRS."""
        from shapely import box

        y, x = self.size[0] // 2, self.size[1] // 2
        areas = self.areas([box(x, y, x + 1, y + 1)])
        return None if areas is None else math.sqrt(float(areas[0]))

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


def shifted(affine: Affine, row: int, column: int) -> Affine:
    """The affine of a grid whose first pixel is the one at (row, column) of another. affine 2 and 3 write products differently."""
    from affine import Affine

    a, b, c, d, e, f = affine[:6]
    return Affine(a, b, a * column + b * row + c, d, e, d * column + e * row + f)
