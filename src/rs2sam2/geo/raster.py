"""Rasters as files: opening them, their bands, their masks, their palettes, and what is wrong with them in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import DataError, UsageError
from rs2sam2.expected import expected

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


def open_raster(source: str) -> DatasetReader:
    """A raster by any name GDAL understands. Raises UsageError where there is none, DataError where it is damaged."""
    import rasterio

    if not is_remote(source):
        if Path(source).is_dir() and not is_dataset_folder(Path(source)):
            raise UsageError(f"{source} is a folder; name the rasters in it, or type: rs2sam2 batch")
        if not Path(source).exists():
            raise UsageError(f"no raster at {source}")
    try:
        with expected(rasterio.errors.NotGeoreferencedWarning):
            dataset = rasterio.open(source)
    except UnicodeError:
        raise DataError(f"{source!r} has a name that is no UTF-8, which GDAL cannot open; rename it") from None
    except (rasterio.errors.RasterioError, OSError) as error:
        raise DataError(f"{source} cannot be opened as a raster ({reason_of(error)}); check it with gdalinfo") from None
    if dataset.count == 0 or dataset.height < 1 or dataset.width < 1:
        inside = ", ".join(dataset.subdatasets[:3])
        dataset.close()
        raise DataError(f"{source} has no bands of its own" + (f"; name one of its parts: {inside}" if inside else ""))
    return dataset


def gdal_options() -> dict[str, Any]:
    """GDAL's options in this thread, such as a user's `rasterio.Env` around a call; other threads do not see them."""
    from rasterio.env import getenv, hasenv

    return dict(getenv()) if hasenv() else {}


@contextmanager
def with_gdal_options(options: dict[str, Any]) -> Iterator[None]:
    """What `gdal_options` gave in another thread, here."""
    import rasterio
    from rasterio.env import setenv

    with rasterio.Env():
        setenv(**options)  # not through Env, which refuses credentials that it did not look up itself
        yield


def is_remote(source: str) -> bool:
    """Whether a name is no path but something that GDAL resolves: a URL, /vsi..., or a driver's prefix."""
    return "://" in source or source.startswith("/vsi") or ":" in source.split("/")[0]


def name_of(source: str) -> str:
    """What to call a raster: the file's own name in a path, a URL with a query, or a name such as ``NETCDF:"a.nc":red``."""
    if is_remote(source):
        quoted = re.search(r'"([^"]+)"', source)
        source = (quoted[1] if quoted else source).split("?")[0]
    return Path(source.rstrip("/")).name or "scene"


def is_dataset_folder(folder: Path) -> bool:
    """Whether a folder is a raster itself."""
    return folder.suffix.lower() in (".zarr", ".safe")


def reason_of(error: BaseException) -> str:
    """The first line of the deepest cause: GDAL's own words rather than "Read failed. See previous exception"."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__


def choose_bands(dataset: DatasetReader, asked: Sequence[int] | None, source: str) -> tuple[int, ...]:
    """Numbers of three bands, or one: those asked for, else those that say they are red, green and blue, else the first."""
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


def mask_kind(dataset: DatasetReader) -> int | str:
    """The number of the alpha band, or "dataset" for a mask of its own, "nodata" or "all"."""
    from rasterio.enums import ColorInterp, MaskFlags

    if ColorInterp.alpha in dataset.colorinterp:
        return int(dataset.colorinterp.index(ColorInterp.alpha)) + 1
    flags = dataset.mask_flag_enums[0]
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        return "dataset"
    return "nodata" if any(v is not None for v in dataset.nodatavals) else "all"


def is_negative(dataset: DatasetReader, bands: tuple[int, ...]) -> bool:
    """Whether a single band has white where its numbers are least, as scanned papers do."""
    return len(bands) == 1 and dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES"


def palette_of(dataset: DatasetReader, bands: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """(256, 3) colours of a band of indices."""
    from rasterio.enums import ColorInterp

    if (
        len(bands) != 1
        or dataset.colorinterp[bands[0] - 1] != ColorInterp.palette
        or dataset.dtypes[bands[0] - 1] != "uint8"
    ):
        return None
    table = np.zeros((256, 3), np.uint8)
    for index, color in dataset.colormap(bands[0]).items():
        if 0 <= index < 256:
            table[index] = color[:3]
    return table
