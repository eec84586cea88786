"""An area of interest: the part of a scene that is looked at, and what of it counts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import DataError, UsageError
from rs2sam2.geo.ground import Ground
from rs2sam2.geo.raster import reason_of
from rs2sam2.geo.tiles import Tile

SLACK = 1e-3
"""Of a pixel, by which reprojection may miss a pixel's edge."""


def frame_of(aoi: Any, aoi_crs: Any, ground: Ground, source: str) -> tuple[Tile, Any]:
    """The smallest frame of a scene around an area, and the area in that frame's pixels.

    ``aoi`` is a shapely geometry in ``aoi_crs`` (None: in the scene's own coordinates) or a vector file. Raises
    UsageError for an area that is none or lies beside the scene, DataError for a file that cannot be read.
    """
    import shapely

    if isinstance(aoi, str | Path):
        aoi, aoi_crs = read_area(Path(aoi))
    if aoi_crs is not None and ground.crs is None:
        raise UsageError(
            f"{source} has no coordinate reference system, so nothing tells where the area of interest lies on it; "
            "georeference it first, or give the area without a CRS, in pixels"
        )
    if aoi_crs is not None:
        from rasterio.crs import CRS
        from rasterio.warp import transform

        def to_scene(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.stack(
                transform(CRS.from_user_input(aoi_crs), ground.crs, xy[:, 0].tolist(), xy[:, 1].tolist()), 1
            )

        aoi = shapely.transform(aoi, to_scene)
    a, b, c, d, e, f = (~ground.affine)[:6]
    pixels = shapely.transform(aoi, lambda xy: xy @ np.array([[a, d], [b, e]]) + np.array([c, f]))
    pixels = shapely.make_valid(pixels).intersection(shapely.box(0, 0, ground.size[1], ground.size[0]))
    if pixels.area <= 0:
        raise UsageError(f"the area of interest does not meet {source}; compare the two in a GIS, and their CRS")
    left, top, right, bottom = pixels.bounds
    row, column = math.floor(top + SLACK), math.floor(left + SLACK)
    height, width = max(1, math.ceil(bottom - SLACK) - row), max(1, math.ceil(right - SLACK) - column)
    frame = Tile(row, column, height, width)
    area = shapely.transform(pixels, lambda xy: xy - np.array([column, row]))
    shapely.prepare(area)
    return frame, area


def read_area(path: Path) -> tuple[Any, str | None]:
    """All polygons of a vector file as one geometry, and its CRS as WKT (None: it has none)."""
    import pyogrio
    import shapely

    if not path.exists():
        raise UsageError(f"no area of interest at {path}; give a GeoJSON, GeoPackage or any vector file")
    try:
        layers = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
        meta, _, geometry, _ = pyogrio.raw.read(path, columns=[], layer=layers[0] if layers else None)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        reason = reason_of(error).split(";")[0]
        raise DataError(f"{path} cannot be read as a vector file ({reason})") from None
    shapes = shapely.from_wkb(geometry) if geometry is not None else np.empty(0, object)
    shapes = shapes[~shapely.is_missing(shapes)]
    area = shapely.union_all(shapely.make_valid(shapes)) if len(shapes) else None
    if area is None or area.area <= 0:
        raise UsageError(f"{path} holds no polygon; an area of interest is one or more polygons")
    return area, meta["crs"]
