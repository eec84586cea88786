"""One writer for each format; the suffix of an output picks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path

from rs2sam2.errors import UsageError
from rs2sam2.geo.writers.base import About, Writer

_WRITERS = {
    ".gpkg": ("geopackage", "GeoPackageWriter"),
    ".geojson": ("geojson", "GeoJSONWriter"),
    ".parquet": ("geoparquet", "GeoParquetWriter"),
    ".tif": ("raster", "RasterWriter"),
    ".tiff": ("raster", "RasterWriter"),
    ".png": ("picture", "PictureWriter"),
}
SUFFIXES = tuple(_WRITERS)


def check_outputs(outputs: Sequence[Path], inputs: Iterable[str | Path] = ()) -> None:
    """UsageError for a suffix that no writer has, an output named twice or that is an input, or GeoParquet without pyarrow."""
    read = {Path(name).resolve() for name in inputs}
    for path in outputs:
        if path.resolve() in read:
            raise UsageError(
                f"{path} is read here, and would be lost if it were written; choose another output with -o"
            )
        if path.is_dir():
            raise UsageError(f"{path} is a folder; name a file in it")
        if path.suffix.lower() not in _WRITERS:
            raise UsageError(f"cannot write {path}: a scene's results are {', '.join(SUFFIXES[:4])} or {SUFFIXES[5]}")
        if path.suffix.lower() == ".parquet":
            try:
                import_module("pyarrow")
            except ImportError:
                raise UsageError("GeoParquet needs pyarrow; type: pip install 'rs2sam2[parquet]'") from None
    if len({p.absolute() for p in outputs}) < len(outputs):
        raise UsageError(f"an output is named twice among {', '.join(map(str, outputs))}")


def writer_for(suffix: str) -> Callable[[Path, About], Writer]:
    """The class that writes files of a suffix that `check_outputs` let pass."""
    module, name = _WRITERS[suffix.lower()]
    made: Callable[[Path, About], Writer] = getattr(import_module(f"rs2sam2.geo.writers.{module}"), name)
    return made
