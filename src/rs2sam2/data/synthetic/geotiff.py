"""A drawn country as a georeferenced GeoTIFF of any size, written cell row by cell row, and its truth beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.synthetic.canvas import Drawn
from rs2sam2.data.synthetic.pictures import CATEGORIES, NOTE, check_categories, coco_header
from rs2sam2.data.synthetic.world import BLOCK, Cell, World
from rs2sam2.errors import UsageError
from rs2sam2.files import replacing

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.transform import Affine

DEGREE_METRES = 111_319.49
"""Metres in a degree along the equator of WGS 84 (2 pi 6,378,137 / 360)."""
GDAL_CACHE_MEGABYTES = 64
MIN_AREA_PIXELS = 0.5
"""Slivers that a cut leaves below this are not objects."""


@dataclass(frozen=True)
class GeoTiffReport:
    """What was written: the files, (height, width) in pixels, objects per category in the truth."""

    path: Path
    truth: Path | None
    size: tuple[int, int]
    objects: dict[str, int]


def make_affine(
    crs: str | None, gsd: float, origin: tuple[float, float] | None = None, rotation: float = 0.0
) -> tuple[CRS | None, Affine]:
    """The CRS and the affine (pixel to CRS) of a scene of ``gsd`` metres a pixel.

    ``origin`` is the upper left corner in the CRS's own units (500000, 5000000 or 15 E, 45 N when None), ``rotation``
    turns the scene counter-clockwise, in degrees. A CRS in feet or degrees gets steps of that size; degrees are
    scaled for the origin's latitude. Raises UsageError for a CRS that cannot be read or has no map, such as one of
    heights, and where ``origin`` or ``rotation`` is not finite.
    """
    from rasterio.crs import CRS
    from rasterio.errors import CRSError
    from rasterio.transform import Affine

    for name, numbers in (("rotation", (rotation,)), ("origin", origin or ())):
        if not all(map(math.isfinite, numbers)):
            raise UsageError(f"--{name} {' '.join(f'{v:g}' for v in numbers)} was given; give finite numbers")
    try:
        system = CRS.from_user_input(crs) if crs else None
    except (CRSError, ValueError) as error:
        raise UsageError(f"{crs!r} is not a coordinate reference system; write one like EPSG:32633") from error
    if system is not None and not (system.is_projected or system.is_geographic):
        raise UsageError(
            f"{crs!r} is neither projected nor geographic, so nothing can be drawn on it; write one like EPSG:32633"
        )
    if system is not None and system.is_geographic:
        x, y = origin or (15.0, 45.0)
        step_y = gsd / DEGREE_METRES
        step_x = step_y / max(math.cos(math.radians(y)), 1e-3)
    else:
        x, y = origin or (500_000.0, 5_000_000.0)
        step_x = step_y = gsd / (system.linear_units_factor[1] if system is not None else 1.0)
    # The turn comes before the steps: turning degrees of unequal length would shear the scene.
    cos, sin = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    return system, Affine(step_x * cos, step_x * sin, x, step_y * sin, -step_y * cos, y)


def write_geotiff(
    path: str | Path,
    size: tuple[int, int],
    *,
    gsd: float = 0.5,
    seed: int = 0,
    crs: str | None = "EPSG:32633",
    origin: tuple[float, float] | None = None,
    rotation: float = 0.0,
    truth: str | Path | None = None,
    categories: Sequence[str] | None = None,
    compress: Literal["deflate", "jpeg", "none"] = "deflate",
    overviews: bool = True,
    workers: int = 1,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> GeoTiffReport:
    """Draw ``size`` (height, width) pixels of the country of ``seed`` and write them as a tiled GeoTIFF.

    Memory does not grow with the height, and hardly with the width. ``truth`` names a file for the outlines of the objects of
    ``categories``: `.geojson` in WGS 84 (as its standard demands), `.json` as COCO polygons in pixels. Outlines are whole
    objects, trees above them notwithstanding. The picture depends on size, gsd and seed alone: ``workers`` (processes)
    and ``compress`` do not change what is drawn. ``advance`` is called with (cells done, cells in all). Raises UsageError.
    """
    import rasterio
    from rasterio.windows import Window

    path, truth = Path(path), None if truth is None else Path(truth)
    height, width = size
    if height < 1 or width < 1:
        raise UsageError(f"size {size} was given; height and width must be at least 1 pixel")
    if not 0.1 <= gsd <= 5:
        raise UsageError(f"a ground sampling distance of {gsd} m was given; choose one between 0.1 and 5 m")
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise UsageError(f"{path.name} does not end in .tif; name a GeoTIFF")
    if truth is not None and truth.suffix.lower() not in (".geojson", ".json"):
        raise UsageError(f"truth {truth.name} ends in neither .geojson nor .json (COCO)")
    system, affine = make_affine(crs, gsd, origin, rotation)
    if truth is not None and truth.suffix.lower() == ".geojson" and system is None:
        raise UsageError("GeoJSON needs a coordinate reference system; give --crs, or write the truth as COCO: .json")
    if truth is not None and truth.suffix.lower() == ".geojson":
        _check_on_earth(system, affine, size)
    kept = check_categories(categories)
    n = World(seed, gsd).cell_pixels
    rows, columns = math.ceil(height / n), math.ceil(width / n)
    profile: dict[str, Any] = {
        "driver": "GTiff", "dtype": "uint8", "count": 3, "height": height, "width": width, "crs": system,
        "transform": affine, "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "photometric": "RGB",
        "interleave": "pixel", "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    if compress == "deflate":
        profile |= {"compress": "deflate", "predictor": 2, "ZLEVEL": 1}
    elif compress == "jpeg":
        profile |= {"compress": "jpeg", "JPEG_QUALITY": 90, "photometric": "YCBCR"}
    generator: dict[str, Any] = {"program": "rs2sam2 data render", "size": list(size), "gsd": gsd, "seed": seed}
    with ExitStack() as stack:
        stack.enter_context(rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_MEGABYTES))
        temporary = stack.enter_context(replacing(path))
        listing = (
            stack.enter_context(
                _truth_writer(truth, path.name, size, system, affine, {**generator, "categories": sorted(kept)})
            )
            if truth
            else None
        )
        with rasterio.open(temporary, "w", **profile) as target:
            target.update_tags(
                SYNTHETIC="YES", TIFFTAG_IMAGEDESCRIPTION=NOTE, GENERATOR="rs2sam2 data render", SEED=str(seed),
                GSD_METRES=str(gsd),
            )  # fmt: skip
            for i, cells in enumerate(_cell_rows(seed, gsd, rows, columns, workers)):
                top, bottom = i * n, min((i + 1) * n, height)
                strip = np.empty((3, bottom - top, width), np.uint8)
                for j, cell in enumerate(cells):
                    left, right = j * n, min((j + 1) * n, width)
                    strip[:, :, left:right] = cell.image[: bottom - top, : right - left].transpose(2, 0, 1)
                    if listing is not None:
                        listing.add(cell, kept)
                    advance(i * columns + j + 1, rows * columns)
                target.write(strip, window=Window(0, top, width, bottom - top))
        if overviews and max(size) > 2 * BLOCK:
            levels = [2**k for k in range(1, max(2, math.ceil(math.log2(max(size) / BLOCK))))]
            with rasterio.open(temporary, "r+") as target:
                target.build_overviews(levels, rasterio.enums.Resampling.average)
    return GeoTiffReport(path, truth, size, {} if listing is None else listing.totals)


@lru_cache(maxsize=1)
def _world(seed: int, gsd: float) -> World:
    return World(seed, gsd)


def _draw(seed: int, gsd: float, i: int, j: int) -> Cell:
    return _world(seed, gsd).cell(i, j)


def _cell_rows(seed: int, gsd: float, rows: int, columns: int, workers: int) -> Iterator[Iterator[Cell]]:
    """Cells row by row, drawn in this process or several."""
    if workers <= 1:
        for i in range(rows):
            yield (_draw(seed, gsd, i, j) for j in range(columns))
        return
    with ProcessPoolExecutor(workers) as pool:
        for i in range(rows):
            yield pool.map(_draw, repeat(seed), repeat(gsd), repeat(i), range(columns))


class _Truth:
    """Writes outlines one by one as they come, so that a country's list never lies in memory."""

    def __init__(
        self, out: TextIO, size: tuple[int, int], convert: Callable[[NDArray[np.float64]], Any] | None
    ) -> None:
        self.out, self.size, self.convert = out, size, convert
        self.totals: dict[str, int] = {}
        self.number = 0
        self.borders: set[tuple[int, int, int]] = set()

    def add(self, cell: Cell, kept: frozenset[str]) -> None:
        """Append a cell's objects, cut by its borders and the picture's, and those on the borders not seen yet."""
        from shapely import box

        picture = box(0, 0, self.size[1], self.size[0])
        inside = picture.intersection(box(*cell.bounds))
        for drawn in cell.drawn:
            if drawn.category in kept:
                self._write(drawn, inside)
        for key, border in cell.borders.items():
            for drawn in border if key not in self.borders else ():
                if drawn.category in kept:
                    self._write(drawn, picture)
            self.borders.add(key)

    def _write(self, drawn: Drawn, frame: Any) -> None:
        from shapely import Polygon, unary_union

        shape = unary_union([Polygon(outline).buffer(0) for outline in drawn.outlines])
        for hole in drawn.holes:
            shape = shape.difference(Polygon(hole))
        shape = shape.intersection(frame)
        parts = [p for p in getattr(shape, "geoms", [shape]) if p.geom_type == "Polygon" and p.area > MIN_AREA_PIXELS]
        if not parts:
            return
        self.number += 1
        self.totals[drawn.category] = self.totals.get(drawn.category, 0) + 1
        make = self._annotation if self.convert is None else self._feature
        item = make(drawn.category, drawn.attributes, parts)
        self.out.write((",\n" if self.number > 1 else "\n") + json.dumps(item, separators=(",", ":")))

    def _feature(self, category: str, attributes: dict[str, object], parts: list[Any]) -> dict[str, Any]:
        assert self.convert is not None
        polygons = [[self.convert(np.asarray(ring.coords)) for ring in (p.exterior, *p.interiors)] for p in parts]
        return {
            "type": "Feature",
            "id": self.number,
            "properties": {"category": category, "synthetic": True, **attributes},
            "geometry": {"type": "MultiPolygon", "coordinates": polygons},
        }

    def _annotation(self, category: str, attributes: dict[str, object], parts: list[Any]) -> dict[str, Any]:
        rings = [np.round(_keyhole(p), 2).ravel().tolist() for p in parts]
        x0, y0 = (min(p.bounds[k] for p in parts) for k in (0, 1))
        x1, y1 = (max(p.bounds[k] for p in parts) for k in (2, 3))
        return {
            "id": self.number,
            "image_id": 0,
            "category_id": CATEGORIES.index(category) + 1,
            "segmentation": rings,
            "bbox": [round(v, 2) for v in (x0, y0, x1 - x0, y1 - y0)],
            "area": round(sum(p.area for p in parts), 1),
            "iscrowd": 0,
            "attributes": attributes,
        }


def _keyhole(polygon: Any) -> NDArray[np.float64]:
    """One closed walk around a polygon and, along cuts of no width, its holes: COCO polygons know no holes."""
    ring = np.asarray(polygon.exterior.coords)
    for interior in polygon.interiors:
        hole = np.asarray(interior.coords)
        distance = np.hypot(*(ring[:, None] - hole[None]).transpose(2, 0, 1))
        a, b = np.unravel_index(int(distance.argmin()), distance.shape)
        around = np.concatenate([hole[b:-1], hole[: b + 1]])
        ring = np.concatenate([ring[: a + 1], around, ring[a:]])
    return ring[:-1]


@contextmanager
def _truth_writer(
    path: Path, image: str, size: tuple[int, int], crs: CRS | None, affine: Affine, generator: dict[str, Any]
) -> Iterator[_Truth]:
    def to_wgs84(ring: NDArray[np.float64]) -> list[list[float]]:
        return np.round(_to_wgs84(crs, affine, ring), 9).tolist()  # type: ignore[no-any-return]

    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        if path.suffix.lower() == ".geojson":
            out.write(json.dumps({"type": "FeatureCollection", "description": NOTE})[:-1] + ', "features": [')
            writer = _Truth(out, size, to_wgs84)
        else:
            images = [{"id": 0, "file_name": image, "height": size[0], "width": size[1]}]
            out.write(json.dumps(coco_header(images, generator))[:-1] + ', "annotations": [')
            writer = _Truth(out, size, None)
        yield writer
        out.write("\n]}\n")


def _to_wgs84(crs: CRS | None, affine: Affine, ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes and latitudes (N, 2) of places (N, 2) in pixels, x and y."""
    from rasterio.warp import transform

    x = affine.a * ring[:, 0] + affine.b * ring[:, 1] + affine.c
    y = affine.d * ring[:, 0] + affine.e * ring[:, 1] + affine.f
    return np.stack(transform(crs, "EPSG:4326", x.tolist(), y.tolist()), 1)


def _check_on_earth(crs: CRS | None, affine: Affine, size: tuple[int, int]) -> None:
    """Raise UsageError, before the drawing, where a corner of the picture has no longitude and latitude."""
    import rasterio
    from rasterio._err import CPLE_BaseError

    height, width = size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    try:
        there = bool((np.abs(_to_wgs84(crs, affine, corners)) <= (360, 90)).all())  # false for NaN and infinities too
    except (CPLE_BaseError, rasterio.errors.RasterioError):
        there = False
    if not there:
        raise UsageError(
            f"the scene at {affine.c:g}, {affine.f:g} reaches beyond what its CRS has on the Earth, and GeoJSON is in "
            "longitudes and latitudes; give another --origin, or write the truth as COCO: .json"
        )
