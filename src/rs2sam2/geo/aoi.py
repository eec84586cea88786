"""An area of interest: the part of a scene that is looked at, and what of it counts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from rs2sam2.errors import DataError, UsageError
from rs2sam2.geo.degrees import on_the_globe
from rs2sam2.geo.ground import Ground, converted
from rs2sam2.geo.raster import reason_of
from rs2sam2.geo.tiles import Tile

SLACK = 1e-3
"""Of a pixel, by which reprojection may miss a pixel's edge."""
PIECES = 256
"""Edges of an area are converted in pieces of a scene's longer side over this."""


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
        aoi = _in_scene(aoi, aoi_crs, ground, source)
    a, b, c, d, e, f = (~ground.affine)[:6]
    pixels = shapely.transform(aoi, lambda xy: xy @ np.array([[a, d], [b, e]]) + np.array([c, f]))
    pixels = polygons_of(shapely.make_valid(pixels))
    pixels = polygons_of(pixels.intersection(shapely.box(0, 0, ground.size[1], ground.size[0])))
    if pixels.area <= 0:
        raise UsageError(f"the area of interest does not meet {source}; compare the two in a GIS, and their CRS")
    left, top, right, bottom = pixels.bounds
    row, column = math.floor(top + SLACK), math.floor(left + SLACK)
    height, width = max(1, math.ceil(bottom - SLACK) - row), max(1, math.ceil(right - SLACK) - column)
    frame = Tile(row, column, height, width)
    area = shapely.transform(pixels, lambda xy: xy - np.array([column, row]))
    shapely.prepare(area)
    return frame, area


def _in_scene(aoi: Any, aoi_crs: Any, ground: Ground, source: str) -> Any:
    """The part of an area near a scene, in the scene's CRS, its edges straight in their own.

    Cut before it is converted: a country, or the world, has points that the scene's projection knows nothing of. Degrees
    are one place every 360, so areas beyond 180 fit scenes that are not, and the other way round.
    """
    import shapely
    from rasterio.crs import CRS

    system = CRS.from_user_input(aoi_crs)
    try:
        frame = ground.outline(system)
        whole = np.isfinite(frame.bounds).all()
    except UsageError:
        whole = False
    aoi = polygons_of(shapely.make_valid(aoi))
    near = [_turned(aoi, turn) for turn in (-360, 0, 360)] if system.is_geographic else [aoi]
    if whole:
        frame = on_the_globe(frame) if system.is_geographic else frame
        edge = max(frame.bounds[2] - frame.bounds[0], frame.bounds[3] - frame.bounds[1]) / PIECES
        boxes = [shapely.box(*part.bounds).buffer(edge, join_style="mitre") for part in shapely.get_parts(frame)]
        around = shapely.union_all(boxes)
        near = [shapely.segmentize(area.intersection(around), edge) for area in near]
    try:
        placed = shapely.transform(shapely.union_all(near), lambda xy: converted(xy, system, ground.crs))
    except UsageError as error:
        raise UsageError(f"the area of interest cannot be placed on {source}: {error}; check its CRS") from None
    if not np.isfinite(placed.bounds).all() and not placed.is_empty:
        raise UsageError(f"the area of interest reaches beyond the projection of {source}; cut it in a GIS first")
    assert ground.crs is not None
    return shapely.union_all([_turned(placed, t) for t in (-360, 0, 360)]) if ground.crs.is_geographic else placed


def _turned(shape: Any, degrees: float) -> Any:
    import shapely

    return shapely.transform(shape, lambda xy: xy + np.array([degrees, 0])) if degrees else shape


def polygons_of(shape: Any) -> Any:
    """A geometry without its points and lines, which have no area, though a place that would widen the frame."""
    import shapely

    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = shapely.get_parts(shape)
    # until no multi-parts and collections are left, which may lie in each other
    while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():
        parts = shapely.get_parts(parts)
    return shapely.union_all(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])


def read_area(path: Path) -> tuple[Any, str | None]:
    """All polygons of all layers of a vector file as one geometry, and their CRS as WKT (None: they have none)."""
    import pyogrio
    import shapely

    if not path.exists():
        raise UsageError(f"no area of interest at {path}; give a GeoJSON, GeoPackage or any vector file")
    try:
        layers = [name for name, kind in pyogrio.list_layers(path) if kind is not None] or [None]
        read = [(name, pyogrio.raw.read(path, columns=[], layer=name)) for name in layers]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        reason = reason_of(error).split(";")[0]
        raise DataError(f"{path} cannot be read as a vector file ({reason})") from None
    areas: dict[str, Any] = {}
    systems: dict[str, str | None] = {}
    for name, (meta, _, geometry, _) in read:
        shapes = shapely.from_wkb(geometry) if geometry is not None else np.empty(0, object)
        shapes = shapes[~shapely.is_missing(shapes)]
        area = polygons_of(shapely.union_all([polygons_of(shape) for shape in shapely.make_valid(shapes)]))
        if area.area > 0:
            areas[str(name)], systems[str(name)] = area, meta["crs"]
    if not areas:
        raise UsageError(f"{path} holds no polygon; an area of interest is one or more polygons")
    if len(set(systems.values())) > 1:
        raise UsageError(
            f"{path} has polygons in layers of several coordinate reference systems ({', '.join(areas)}); keep one layer"
        )
    return shapely.union_all(list(areas.values())), next(iter(systems.values()))
