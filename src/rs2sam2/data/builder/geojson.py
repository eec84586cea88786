"""GeoJSON polygons over a georeferenced raster as annotated tiles, read window by window."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rs2sam2.data.builder.annotated import AnnotatedImage, describe, nothing
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.masks import RLE, Target
from rs2sam2.errors import DataError, UsageError
from rs2sam2.files import replacing

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader

CLASS_FIELDS = ("category", "class", "label", "name", "type")
MIN_SHARE = 0.02

Feature = tuple[str, dict[str, Any]]
"""A class and a GeoJSON geometry, Polygon or MultiPolygon."""


def read_geojson(
    geojson: Path,
    raster: Path,
    folder: Path,
    tile: int,
    class_field: str | None,
    progress: Callable[[int, int], None] = nothing,
) -> list[AnnotatedImage]:
    """Annotated tiles of `tile` px, written as PNG to `folder`/images; the raster's margins are padded black.

    The class of a polygon is its property `class_field` (else the first of category, class, label, name, type there is).
    Coordinates are WGS84, or in the file's "crs". Objects cut by the edge of a tile or of the raster keep the share that
    is inside, and are no target where less than half of them is. Tiles without a polygon serve no-target phrases.
    `progress` gets (tiles done, in all). UsageError where the raster is not 8-bit; DataError where files are not as needed.
    """
    import rasterio
    from PIL import Image
    from rasterio.features import rasterize
    from rasterio.windows import Window

    features, crs = _features(geojson, class_field)
    result: list[AnnotatedImage] = []
    try:
        source = rasterio.open(raster)
    except rasterio.errors.RasterioIOError as error:
        raise DataError(f"raster {raster} cannot be read ({error}); give a GeoTIFF with --raster") from None
    with source:
        if source.crs is None:
            raise DataError(f"raster {raster} has no coordinate reference system; georeference it first")
        if source.dtypes[0] != "uint8":
            raise UsageError(
                f"raster {raster} is {source.dtypes[0]}; stretch it to 8 bits first (gdal_translate -ot Byte -scale)"
            )
        bands = [1, 2, 3] if source.count >= 3 else [1, 1, 1]
        shapes = _on_raster(features, crs, source, geojson)
        grid = list(np.ndindex(math.ceil(source.height / tile), math.ceil(source.width / tile)))
        for row, column in grid:
            left, top = column * tile, row * tile
            right, bottom = min(left + tile, source.width), min(top + tile, source.height)  # beyond is padding
            window = Window(left, top, tile, tile)  # type: ignore[no-untyped-call,unused-ignore]
            pixels = np.moveaxis(source.read(bands, window=window, boundless=True, fill_value=0), 0, 2)
            objects: list[SceneObject] = []
            targets: list[Target | None] = []
            for name, geometry, (x1, y1, x2, y2) in shapes:
                if x2 <= left or y2 <= top or x1 >= right or y1 >= bottom:
                    continue
                transform = source.window_transform(window)
                mask = rasterize([geometry], (tile, tile), transform=transform, dtype="uint8").astype(bool)
                mask[bottom - top :] = False
                mask[:, right - left :] = False
                seen = describe(name, mask, pixels)
                if seen is None:
                    continue
                inner = max(0.0, min(x2, right) - max(x1, left)) * max(0.0, min(y2, bottom) - max(y1, top))
                share = inner / max((x2 - x1) * (y2 - y1), 1e-9)
                objects.append(replace(seen, visible=min(1.0, max(share, MIN_SHARE + 1e-6))))
                targets.append(RLE.encode(mask) if share >= 0.5 else None)
            path = folder / "images" / f"{raster.stem}_{row:03d}_{column:03d}.png"
            with replacing(path) as temporary:
                Image.fromarray(pixels).save(temporary)
            result.append(AnnotatedImage(path, Layout(tile, tile, tuple(objects)), tuple(targets)))
            progress(len(result), len(grid))
    return result


def _features(path: Path, class_field: str | None) -> tuple[list[Feature], CRS]:
    """The polygons of a file with their classes, and its coordinate reference system."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        features = [(f.get("geometry"), f.get("properties") or {}) for f in data["features"]]
        system = str((data.get("crs") or {}).get("properties", {}).get("name", "OGC:CRS84"))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); give a GeoJSON file with --geojson") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is not a GeoJSON FeatureCollection ({error})") from None
    try:
        crs = CRS.from_user_input(system)
    except (CRSError, ValueError):
        raise DataError(
            f"{path}: {system!r} is not a coordinate reference system; write one like EPSG:32633, or leave it out"
        ) from None
    fields = (class_field,) if class_field else CLASS_FIELDS
    found = []
    for geometry, properties in features:
        if not isinstance(properties, dict) or not isinstance(geometry, dict | None):
            what = "geometry" if isinstance(properties, dict) else "properties"
            raise DataError(f"{path}: the {what} of a feature is not an object; write GeoJSON features")
        if geometry and geometry.get("type") == "GeometryCollection" and "Polygon" in str(geometry):
            raise DataError(f"{path} has polygons in a GeometryCollection; make each a feature of its own")
        if not geometry or geometry.get("type") not in ("Polygon", "MultiPolygon"):
            continue
        said = [str(properties[f]) for f in fields if properties.get(f) is not None]  # 0 is a class as well
        name = next((name for name in said if name.strip()), None)
        if name is None:
            raise DataError(
                f"{path}: a polygon has no class in {', '.join(fields)} (it has {', '.join(properties) or 'none'}); "
                "name the property that holds the class with --class-field, or fill it in"
            )
        found.append((name, geometry))
    if not found:
        raise DataError(f"{path} holds no polygon; phrases are made about polygons")
    return found, crs


def _on_raster(
    features: list[Feature], crs: CRS, source: DatasetReader, path: Path
) -> list[tuple[str, dict[str, Any], tuple[float, float, float, float]]]:
    """Each feature in the raster's coordinates, with its bounds (x1, y1, x2, y2) in pixels."""
    from rasterio.warp import transform_geom

    to_pixels = ~source.transform
    found = []
    for name, geometry in features:
        try:
            moved = transform_geom(crs, source.crs, geometry)
            found.append((name, moved, _pixel_bounds(moved, to_pixels)))
        except Exception as error:  # GDAL's errors are of many kinds
            raise DataError(
                f"{path}: the polygon {json.dumps(geometry)[:80]} is not one ({error}); correct or remove it"
            ) from None
    return found


def _pixel_bounds(geometry: dict[str, Any], to_pixels: Any) -> tuple[float, float, float, float]:
    rings = (
        geometry["coordinates"] if geometry["type"] == "Polygon" else [r for p in geometry["coordinates"] for r in p]
    )
    a, b, c, d, e, f = to_pixels[:6]
    points = [(a * x + b * y + c, d * x + e * y + f) for ring in rings for x, y, *_ in ring]
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
