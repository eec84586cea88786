"""From pixels to the ground: metres a pixel and true areas, in whatever coordinate reference system a scene is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import UsageError

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS
    from shapely import Polygon

LONGEST_EDGE = 256
"""Pixels; longer edges get points in between before a projection bends them."""
LONGEST_METRES = 10_000.0
"""The same on the ground, for coarse grids."""
EARTH = 6_371_000.0
"""Metres; its radius."""


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
        """Polygons in pixels -> polygons in another CRS, bent as its projection bends them. Raises UsageError."""
        import shapely

        fine = shapely.segmentize(np.asarray(polygons, object), self._longest_edge(crs))
        return np.asarray(shapely.transform(self.place(fine), lambda xy: converted(xy, self.crs, crs)))

    def areas(self, polygons: Sequence[Polygon]) -> NDArray[np.float64] | None:
        """Square metres on the ellipsoid of polygons in pixels; None where nothing tells metres (`metric`).

        By Lambert's azimuthal equal-area projection around the scene, which is exact for areas everywhere (Snyder, Map
        Projections, 1987, p. 187), so degrees, feet and Web Mercator's stretched metres all give true square metres.
        """
        import shapely

        equal_area = self._equal_area()
        if equal_area is not None:
            return np.asarray(shapely.area(self.reproject(polygons, equal_area)))
        if self.crs is None or self.crs.is_geographic:
            return None
        return np.asarray(shapely.area(self.place(polygons))) * float(self.crs.units_factor[1]) ** 2

    @property
    def metric(self) -> bool:
        """Whether metres are known: not without a CRS, nor in degrees on another body than the earth or beyond the poles."""
        return self.pixel_metres() is not None

    def pixel_metres(self) -> tuple[float, float] | None:
        """Width and height of the pixel in the middle; None where nothing tells metres."""
        from shapely import box

        equal_area = self._equal_area()
        if self.crs is None or (equal_area is None and self.crs.is_geographic):
            return None
        y, x = self.size[0] // 2, self.size[1] // 2
        pixel = box(x, y, x + 1, y + 1)
        if equal_area is not None:
            corners, factor = np.asarray(self.reproject([pixel], equal_area)[0].exterior.coords), 1.0
        else:
            corners, factor = np.asarray(self.place([pixel])[0].exterior.coords), float(self.crs.units_factor[1])
        height, width = (factor * float(np.hypot(*(corners[i + 1] - corners[i]))) for i in (0, 1))
        return width, height

    def outline(self, crs: Any) -> Any:
        """The frame's outline as a polygon in another CRS."""
        from shapely import box

        return self.reproject([box(0, 0, self.size[1], self.size[0])], crs)[0]

    def _longest_edge(self, target: Any) -> float:
        """Pixels. Degrees stay straight in degrees: edges need only be short enough to be told from a jump at 180."""
        from rasterio.crs import CRS

        if self.crs is None:
            return LONGEST_EDGE
        a, b, _, d, e, _ = self.affine[:6]
        metres = max(math.hypot(a, d), math.hypot(b, e)) * float(self.crs.units_factor[1])
        if not self.crs.is_geographic:
            return min(LONGEST_EDGE, LONGEST_METRES / metres)
        most = EARTH / 2 if CRS.from_user_input(target).is_geographic else LONGEST_METRES
        return min(LONGEST_EDGE, most / (metres * EARTH))

    def _equal_area(self) -> CRS | None:
        """None for a CRS that is not on the earth (none, a local one, or the moon's), or where the scene does not lie in it."""
        from rasterio.crs import CRS

        if self.crs is None or not (self.crs.is_geographic or self.crs.is_projected):
            return None
        a, b, c, d, e, f = self.affine[:6]
        row, column = self.size[0] / 2, self.size[1] / 2
        x, y = a * column + b * row + c, d * column + e * row + f
        try:
            ((longitude, latitude),) = converted(np.array([[x, y]]), self.crs, "EPSG:4326")
        except UsageError:
            return None
        if not (math.isfinite(longitude) and abs(latitude) <= 90):  # metres or pixels that are labelled degrees
            return None
        return CRS.from_proj4(f"+proj=laea +lat_0={latitude:.6f} +lon_0={longitude:.6f} +datum=WGS84 +units=m")


def converted(xy: NDArray[np.float64], source: Any, target: Any) -> NDArray[np.float64]:
    """Coordinates (N, 2) of one CRS in another. Raises UsageError where they have none there."""
    import rasterio
    from rasterio._err import CPLE_BaseError
    from rasterio.warp import transform

    try:
        return np.stack(transform(source, target, xy[:, 0].tolist(), xy[:, 1].tolist()), 1)
    except (CPLE_BaseError, rasterio.errors.RasterioError) as error:
        raise UsageError(
            f"coordinates of one system do not fit another ({' '.join(str(error).split())[:120]})"
        ) from None


def shifted(affine: Affine, row: int, column: int) -> Affine:
    """The affine of a grid whose first pixel is the one at (row, column) of another. affine 2 and 3 write products differently."""
    from affine import Affine

    a, b, c, d, e, f = affine[:6]
    return Affine(a, b, a * column + b * row + c, d, e, d * column + e * row + f)
