"""`Scene`: any raster that GDAL opens, read in pieces as 8-bit RGB with a mask of where it holds data."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import DataError, UsageError
from rs2sam2.geo.expected import expected
from rs2sam2.geo.ground import Ground, shifted
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
PALETTE = "palette"


@dataclass(frozen=True)
class Picture:
    """A piece of a scene: ``pixels`` uint8 (H, W, 3) RGB, black where ``valid`` (H, W) is False."""

    pixels: NDArray[np.uint8]
    valid: NDArray[np.bool_]


class Scene:
    """A raster, or the part of it that an area of interest frames.

    ``size`` is (height, width) of the frame, ``ground`` its place on the earth; tiles are in the frame's pixels. Reading
    is safe from several threads: each has its own handle.
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
            self.name = Path(self.source.rstrip("/")).name
            self.full_size: tuple[int, int] = (dataset.height, dataset.width)
            self.dtype = str(dataset.dtypes[0])
            if self.dtype.startswith("complex"):
                raise DataError(f"{self.source} holds complex numbers; write their magnitude to a GeoTIFF first")
            self.band_count = dataset.count
            self.bands = _choose_bands(dataset, bands, self.source)
            self.tags: dict[str, str] = dict(dataset.tags())
            self._mask = _mask_kind(dataset)
            self._palette = _palette(dataset, self.bands)
            georeferenced = dataset.crs is not None or not dataset.transform.is_identity
            self.crs_missing = dataset.crs is None
            whole = Ground(dataset.crs, dataset.transform, self.full_size)
            self.frame = Tile(0, 0, *self.full_size)
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

    def read(self, tile: Tile, size: tuple[int, int] | None = None) -> Picture:
        """A tile, or a view of it of ``size`` (height, width), averaged by way of the overviews. Raises DataError."""
        size = size or (tile.height, tile.width)
        pixels, valid = self._read_raw(tile, size)
        shown = self.stretch.apply(pixels) if self._palette is None else self._palette[pixels[0]].transpose(2, 0, 1)
        shown = np.where(valid, shown, np.uint8(0)) if not valid.all() else shown
        if len(shown) == 1:
            shown = np.repeat(shown, 3, axis=0)
        return Picture(np.ascontiguousarray(shown.transpose(1, 2, 0)), valid)

    def inside(self, tile: Tile) -> NDArray[np.bool_] | None:
        """(H, W): which pixels have their centre in the area of interest; None where there is no such area."""
        if self.area is None:
            return None
        from affine import Affine
        from rasterio.features import geometry_mask
        from shapely.affinity import translate

        moved = Affine.translation(tile.column, tile.row + 1)  # never the identity: see polygons.py
        outside = geometry_mask([translate(self.area, 0, 1)], (tile.height, tile.width), moved)
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
            pixels = dataset.read(list(self.bands), resampling=how, **options)
            if isinstance(self._mask, int):
                return pixels, dataset.read(self._mask, resampling=Resampling.nearest, **options) > 0
            if self._mask == "dataset":
                return pixels, dataset.read_masks(1, resampling=Resampling.nearest, **options) > 0
        except (rasterio.errors.RasterioError, OSError) as error:
            top, left = self.frame.row + tile.row, self.frame.column + tile.column
            raise UnreadableTileError(
                f"{self.source} cannot be read at rows {top}-{top + tile.height - 1}, columns "
                f"{left}-{left + tile.width - 1} ({_reason(error)}); restore the file, or leave such tiles empty with "
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
        read = [self._read_raw(tile, size) for tile, size in self._sample_windows()]
        samples = np.concatenate([pixels.reshape(len(pixels), -1) for pixels, _ in read], axis=1)
        valid = np.concatenate([mask.ravel() for _, mask in read])
        try:
            return Stretch.measure(spec, samples, valid)
        except DataError as error:
            raise DataError(f"{self.source}: {error}") from None

    def _sample_windows(self) -> list[tuple[Tile, tuple[int, int]]]:
        """What of the frame to look at, and at which size (height, width)."""
        height, width = self.size
        whole = Tile(0, 0, height, width)
        if max(height, width) <= SAMPLE_SIDE:
            return [(whole, (height, width))]
        ratio = SAMPLE_SIDE / max(height, width)
        if self._dataset().overviews(1):
            return [(whole, (max(1, round(height * ratio)), max(1, round(width * ratio))))]
        side = SAMPLE_SIDE // SAMPLE_WINDOWS
        tile_height, tile_width = min(side, height), min(side, width)
        rows = {round(i * (height - tile_height) / (SAMPLE_WINDOWS - 1)) for i in range(SAMPLE_WINDOWS)}
        columns = {round(i * (width - tile_width) / (SAMPLE_WINDOWS - 1)) for i in range(SAMPLE_WINDOWS)}
        return [
            (Tile(row, column, tile_height, tile_width), (tile_height, tile_width))
            for row in sorted(rows)
            for column in sorted(columns)
        ]


class UnreadableTileError(DataError):
    """A piece of a scene cannot be read."""


def open_raster(source: str) -> DatasetReader:
    """A raster by any name GDAL understands. Raises UsageError where there is none, DataError where it is damaged."""
    import rasterio

    remote = "://" in source or source.startswith("/vsi") or ":" in source.split("/")[0]
    if not remote and Path(source).is_dir() and not _is_dataset_folder(Path(source)):
        raise UsageError(f"{source} is a folder; name the rasters in it, or type: rs2sam2 batch")
    if not remote and not Path(source).exists():
        raise UsageError(f"no raster at {source}")
    try:
        with expected(rasterio.errors.NotGeoreferencedWarning):
            dataset = rasterio.open(source)
    except (rasterio.errors.RasterioError, OSError) as error:
        raise DataError(f"{source} cannot be opened as a raster ({_reason(error)}); check it with gdalinfo") from None
    if dataset.count == 0 or dataset.height < 1 or dataset.width < 1:
        inside = ", ".join(dataset.subdatasets[:3])
        dataset.close()
        raise DataError(f"{source} has no bands of its own" + (f"; name one of its parts: {inside}" if inside else ""))
    return dataset


def _is_dataset_folder(folder: Path) -> bool:
    return folder.suffix.lower() in (".zarr", ".safe")


def _reason(error: BaseException) -> str:
    """The first line of the deepest cause: GDAL's own words rather than "Read failed. See previous exception"."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__


def _choose_bands(dataset: DatasetReader, asked: Sequence[int] | None, source: str) -> tuple[int, ...]:
    from rasterio.enums import ColorInterp

    if asked is not None:
        bands = tuple(asked)
        if len(bands) not in (1, 3):
            raise UsageError(f"--bands names {len(bands)} bands; give three (red, green, blue) or one (grey)")
        wrong = [b for b in bands if not 1 <= b <= dataset.count]
        if wrong:
            raise UsageError(
                f"--bands {','.join(map(str, bands))}: {source} has no band {wrong[0]}, only 1 to {dataset.count}"
            )
        return bands
    meanings = list(dataset.colorinterp)
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    if all(colour in meanings for colour in colours):
        return tuple(meanings.index(colour) + 1 for colour in colours)
    shown = [i + 1 for i, meaning in enumerate(meanings) if meaning != ColorInterp.alpha]
    if not shown:
        raise DataError(f"{source} has an alpha band alone, and no picture")
    return tuple(shown[:3]) if len(shown) >= 3 else (shown[0],)


def _mask_kind(dataset: DatasetReader) -> int | str:
    """The number of the alpha band, or "dataset" for a mask of its own, "nodata" or "all"."""
    from rasterio.enums import ColorInterp, MaskFlags

    if ColorInterp.alpha in dataset.colorinterp:
        return int(dataset.colorinterp.index(ColorInterp.alpha)) + 1
    flags = dataset.mask_flag_enums[0]
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        return "dataset"
    return "nodata" if any(v is not None for v in dataset.nodatavals) else "all"


def _palette(dataset: DatasetReader, bands: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """(256, 3) colours of a band of indices."""
    from rasterio.enums import ColorInterp

    if len(bands) != 1 or dataset.colorinterp[bands[0] - 1] != ColorInterp.palette or dataset.dtypes[0] != "uint8":
        return None
    table = np.zeros((256, 3), np.uint8)
    for index, color in dataset.colormap(bands[0]).items():
        if 0 <= index < 256:
            table[index] = color[:3]
    return table


def _pixel_affine(frame: Tile) -> Any:
    from affine import Affine

    return Affine.translation(frame.column, frame.row)


def view_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """(height, width) of a view whose longer side has at most ``longest`` pixels."""
    ratio = min(1.0, longest / max(size))
    return max(1, math.floor(size[0] * ratio + 0.5)), max(1, math.floor(size[1] * ratio + 0.5))
