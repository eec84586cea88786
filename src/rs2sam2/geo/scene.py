"""`Scene`: any raster that GDAL opens, read in pieces as 8-bit RGB with a mask of where it holds data."""

from __future__ import annotations

import datetime
import math
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import DataError, UsageError
from rs2sam2.expected import one_at_a_time
from rs2sam2.geo.ground import Ground, shifted
from rs2sam2.geo.raster import choose_bands, is_negative, mask_kind, name_of, open_raster, palette_of, reason_of
from rs2sam2.geo.stretch import Stretch, StretchSpec
from rs2sam2.geo.tiles import Tile

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

CACHE_MEGABYTES = 96
"""GDAL's cache of blocks, for all scenes and outputs together; its own default is 5 % of the memory."""
SAMPLE_SIDE = 1024
"""The stretch is measured on about this many pixels squared."""
SAMPLE_WINDOWS = 8
"""Without overviews: on windows of a grid of this many a side, because a shrunken view would read the whole file."""
VIEW_ROWS = 128
"""Rows of a view that are read together."""
VIEW_HOLE = 32
"""What cannot be read is narrowed down to one part in so many of a view's longer side."""


@dataclass(frozen=True)
class Picture:
    """A piece of a scene: ``pixels`` uint8 (H, W, 3) RGB, black where ``valid`` (H, W) is False."""

    pixels: NDArray[np.uint8]
    valid: NDArray[np.bool_]


class Scene:
    """A raster, or the part of it that an area of interest frames.

    ``size`` is (height, width) of the frame, ``ground`` its place on the earth, ``whole`` the size of the raster; tiles are
    in the frame's pixels. Reading is safe from several threads: each has its own handle.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        bands: Sequence[int] | None = None,
        stretch: str = "auto",
        aoi: Any = None,
        aoi_crs: Any = "EPSG:4326",
    ) -> None:
        """Open ``source``: a file, URL or any name GDAL understands.

        ``bands``: three numbers from 1 to show as red, green, blue, or one for grey; by default the bands that say they
        are red, green and blue, else the first three. ``stretch``: see `StretchSpec.parse`. ``aoi``: a shapely geometry
        in ``aoi_crs``, or a vector file that says its CRS itself. Raises UsageError for what cannot be meant (a band that
        is not there, an area beside the scene), DataError for what cannot be read.
        """
        self.source = str(source)
        self._handles = threading.local()
        self._opened: list[DatasetReader] = []
        self._lock = threading.Lock()
        try:
            dataset = self._dataset()
            self.name = name_of(self.source)
            self.files: tuple[str, ...] = tuple(dataset.files)  # all that it is made of, such as the sources of a VRT
            self.bands = choose_bands(dataset, bands, self.source)
            self.dtype = str(np.result_type(*(dataset.dtypes[b - 1] for b in self.bands)))
            if self.dtype.startswith("complex"):
                raise DataError(f"{self.source} holds complex numbers; write their magnitude to a GeoTIFF first")
            self.tags: dict[str, str] = dict(dataset.tags())
            self._mask = mask_kind(dataset)
            self._palette = palette_of(dataset, self.bands)
            self._negative = self._palette is None and is_negative(dataset, self.bands)
            georeferenced = dataset.crs is not None or not dataset.transform.is_identity
            whole = Ground(dataset.crs, dataset.transform, (dataset.height, dataset.width))
            self.whole, self.frame = whole.size, Tile(0, 0, *whole.size)
            self.area: Any = None  # the area of interest in the frame's pixels
            if aoi is not None:
                from rs2sam2.geo.aoi import frame_of

                self.frame, self.area = frame_of(aoi, aoi_crs, whole, self.source)
            moved = shifted(whole.affine, self.frame.row, self.frame.column)
            self.size = (self.frame.height, self.frame.width)
            self.ground = Ground(whole.crs, moved if georeferenced else _pixel_affine(self.frame), self.size)
            self.stretch = self._measure(
                StretchSpec.parse(stretch, "uint8" if self._palette is not None else self.dtype)
            )
        except BaseException:
            self.close()
            raise

    @property
    def time(self) -> datetime.datetime:
        """When it was taken or at least written: its tag, else its file's time, else the epoch. UTC."""
        for name in ("TIFFTAG_DATETIME", "ACQUISITIONDATETIME"):
            for form in ("%Y:%m:%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"):
                with suppress(ValueError):
                    return datetime.datetime.strptime(self.tags.get(name, ""), form).replace(tzinfo=datetime.UTC)
        path = Path(self.source)
        seconds = int(path.stat().st_mtime) if path.exists() else 0
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)

    def read(self, tile: Tile, size: tuple[int, int] | None = None) -> Picture:
        """A tile of the frame, or a view of it of ``size`` (height, width), averaged by way of the overviews.

        Raises UsageError for a tile that reaches beyond the frame, DataError for what cannot be read.
        """
        if tile.row < 0 or tile.column < 0 or tile.bottom > self.size[0] or tile.right > self.size[1]:
            raise UsageError(
                f"{tile} reaches beyond the frame of {self.size[0]} x {self.size[1]} pixels (height x width)"
            )
        return self.show(tile, size)

    def show(self, tile: Tile, size: tuple[int, int] | None = None) -> Picture:
        """As `read`, of a tile that may reach beyond the frame, though not beyond the raster."""
        size = size or (tile.height, tile.width)
        pixels, valid = self._read_raw(tile, size)
        shown = self.stretch.apply(pixels) if self._palette is None else self._palette[pixels[0]].transpose(2, 0, 1)
        shown = 255 - shown if self._negative else shown
        shown = np.where(valid, shown, np.uint8(0)) if not valid.all() else shown
        if len(shown) == 1:
            shown = np.repeat(shown, 3, axis=0)
        return Picture(np.ascontiguousarray(shown.transpose(1, 2, 0)), valid)

    def view(self, size: tuple[int, int], unreadable: list[str] | None = None) -> Picture:
        """The whole frame made small, (height, width) ``size``, in strips as wide as it is.

        What cannot be read is no data, and its reasons join ``unreadable``; without such a list, UnreadableTileError.
        """
        pixels, valid = np.zeros((*size, 3), np.uint8), np.zeros(size, np.bool_)

        def fill(top: int, bottom: int, left: int, right: int) -> None:
            rows, columns = (
                [end * side // shown for end in ends]
                for ends, side, shown in zip(((top, bottom), (left, right)), self.size, size, strict=True)
            )
            tile = Tile(rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0])
            try:
                part = self.read(tile, (bottom - top, right - left))
            except UnreadableTileError as error:
                if unreadable is None:
                    raise
                y, x = (top + bottom) // 2, (left + right) // 2
                if max(bottom - top, right - left) * VIEW_HOLE <= max(size) or top == y or left == x:
                    unreadable.append(str(error))
                    return
                for quarter in ((top, y, left, x), (top, y, x, right), (y, bottom, left, x), (y, bottom, x, right)):
                    fill(*quarter)
                return
            pixels[top:bottom, left:right], valid[top:bottom, left:right] = part.pixels, part.valid

        for top in range(0, size[0], VIEW_ROWS):
            fill(top, min(top + VIEW_ROWS, size[0]), 0, size[1])
        return Picture(pixels, valid)

    def inside(self, tile: Tile, size: tuple[int, int] | None = None) -> NDArray[np.bool_] | None:
        """(H, W): which pixels have their centre in the area of interest; None where all of the tile is looked at.

        Of a view of another ``size``, all that the area touches. Without such an area, the frame.
        """
        beyond = tile.row < 0 or tile.column < 0 or tile.bottom > self.size[0] or tile.right > self.size[1]
        if self.area is None and not beyond:
            return None
        from affine import Affine
        from rasterio.features import geometry_mask
        from shapely import box
        from shapely.affinity import translate

        area = box(0, 0, self.size[1], self.size[0]) if self.area is None else self.area
        size = size or (tile.height, tile.width)
        coarse = size != (tile.height, tile.width)
        # Moved down a row, so that it is never the identity: see polygons.py.
        grid = Affine(tile.width / size[1], 0, tile.column, 0, tile.height / size[0], tile.row + 1)
        with one_at_a_time():
            outside = geometry_mask([translate(area, 0, 1)], size, grid, all_touched=coarse)
        return np.asarray(~outside)

    def touches(self, tile: Tile) -> bool:
        """Whether a tile has something of the area of interest."""
        if self.area is None:
            return True
        from shapely import box

        return bool(self.area.intersects(box(tile.column, tile.row, tile.right, tile.bottom)))

    def close(self) -> None:
        """Close every handle."""
        with self._lock:
            for dataset in self._opened:
                dataset.close()
            self._opened.clear()
            self._handles = threading.local()

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _dataset(self) -> DatasetReader:
        """This thread's handle."""
        if not hasattr(self._handles, "dataset"):
            dataset = open_raster(self.source)
            with self._lock:
                self._opened.append(dataset)
            self._handles.dataset = dataset
        handle: DatasetReader = self._handles.dataset
        return handle

    def _read_raw(self, tile: Tile, size: tuple[int, int]) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """(bands, H, W) as stored, and (H, W) where they hold data."""
        import rasterio
        from rasterio.enums import Resampling
        from rasterio.windows import Window

        dataset = self._dataset()
        window = Window(self.frame.column + tile.column, self.frame.row + tile.row, tile.width, tile.height)  # type: ignore[no-untyped-call,unused-ignore]
        shrunken = size != (tile.height, tile.width)
        how = Resampling.average if shrunken and self._palette is None else Resampling.nearest
        options: dict[str, Any] = {"window": window, "out_shape": size}
        try:
            if len({dataset.dtypes[b - 1] for b in self.bands}) == 1:
                pixels = dataset.read(list(self.bands), resampling=how, **options)
            else:
                pixels = np.stack([dataset.read(b, resampling=how, **options) for b in self.bands])
            if isinstance(self._mask, int):
                return pixels, dataset.read(self._mask, resampling=Resampling.nearest, **options) > 0
            if self._mask == "dataset":
                return pixels, dataset.read_masks(1, resampling=Resampling.nearest, **options) > 0
        except (rasterio.errors.RasterioError, OSError) as error:
            top, left = self.frame.row + tile.row, self.frame.column + tile.column
            raise UnreadableTileError(
                f"{self.source} cannot be read at rows {top}-{top + tile.height - 1}, columns "
                f"{left}-{left + tile.width - 1} ({reason_of(error)}); restore the file, or leave such tiles empty with "
                "--skip-unreadable"
            ) from None
        valid = np.isfinite(pixels).any(axis=0) if pixels.dtype.kind == "f" else np.ones(size, np.bool_)
        if self._mask == "nodata":
            valid &= np.logical_or.reduce(
                [band != dataset.nodatavals[number - 1] for number, band in zip(self.bands, pixels, strict=True)]
            )
        return pixels, valid

    def _measure(self, spec: StretchSpec) -> Stretch:
        if spec.percentiles is None:
            return Stretch.measure(spec, None, None)
        whole = [(Tile(0, 0, *self.size), view_size(self.size, SAMPLE_SIDE))]
        cheap = max(self.size) <= SAMPLE_SIDE or bool(self._dataset().overviews(1))
        # Where the first finds nothing: a hole in the file, then a little data in a wide frame, between the windows.
        for windows in ([whole] if cheap else []) + [self._sample_windows(), whole]:
            samples, valid = self._samples(windows)
            if valid.any():
                break
        else:
            if not valid.size:  # nothing can be read: say why
                self._read_raw(*whole[0])
        try:
            return Stretch.measure(spec, samples, valid)
        except DataError as error:
            raise DataError(f"{self.source}: {error}") from None

    def _samples(
        self, windows: Sequence[tuple[Tile, tuple[int, int]]]
    ) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """(bands, N) pixels as stored, and (N,) where they hold data; N is 0 where none of the windows can be read."""
        samples, valid = [np.empty((len(self.bands), 0), self.dtype)], [np.empty(0, np.bool_)]
        for tile, size in windows:
            with suppress(UnreadableTileError):
                pixels, mask = self._read_raw(tile, size)
                samples.append(pixels.reshape(len(pixels), -1))
                valid.append(mask.ravel())
        return np.concatenate(samples, axis=1), np.concatenate(valid)

    def _sample_windows(self) -> list[tuple[Tile, tuple[int, int]]]:
        """Windows (and their sizes) evenly over the frame."""
        sides = [min(SAMPLE_SIDE // SAMPLE_WINDOWS, length) for length in self.size]
        rows, columns = (
            sorted({round(i * (length - side) / (SAMPLE_WINDOWS - 1)) for i in range(SAMPLE_WINDOWS)})
            for length, side in zip(self.size, sides, strict=True)
        )
        return [(Tile(row, column, *sides), (sides[0], sides[1])) for row in rows for column in columns]


class UnreadableTileError(DataError):
    """A piece of a scene cannot be read."""


def _pixel_affine(frame: Tile) -> Any:
    from affine import Affine

    return Affine.translation(frame.column, frame.row)


def view_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """(height, width) of a view whose longer side has at most ``longest`` pixels."""
    ratio = min(1.0, longest / max(size))
    return max(1, math.floor(size[0] * ratio + 0.5)), max(1, math.floor(size[1] * ratio + 0.5))
