"""Outputs that appear whole or not at all: made under temporary names, renamed at the end, whatever happens in between."""

from __future__ import annotations

import glob
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from rs2sam2.errors import UsageError
from rs2sam2.geo.raster import reason_of
from rs2sam2.geo.writers.base import Writer


@contextmanager
def staging(outputs: Sequence[Path]) -> Iterator[list[tuple[Path, Path]]]:
    """A temporary name for each output, in a hidden folder beside it that vanishes whatever happens."""
    with ExitStack() as stack:
        pairs = []
        for path in outputs:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                folder = Path(tempfile.mkdtemp(prefix=staging_prefix(path), dir=path.parent))
            except OSError as error:
                raise UsageError(f"cannot write {path}: {error.strerror}; choose another output with -o") from None
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            pairs.append((path, folder / path.name))
        yield pairs


def staging_prefix(output: Path) -> str:
    """How the hidden folders begin in which an output is made."""
    return f".{output.name}-part-"


def remove_leftovers(output: Path) -> None:
    """What a killed run left of an output."""
    for folder in output.parent.glob(glob.escape(staging_prefix(output)) + "*"):
        shutil.rmtree(folder, ignore_errors=True)


def check_closed(outputs: Sequence[Path]) -> None:
    """UsageError where another program has a GeoPackage open and its changes beside it: SQLite would read them into a new one."""
    for path in outputs:
        changes = path.with_name(path.name + "-wal")
        if changes.is_file() and changes.stat().st_size:
            raise UsageError(
                f"{path} is open in another program (see {changes}); close it there, or choose another output"
            )


def remove_stale(output: Path, items: bool) -> None:
    """What other programs and earlier runs left beside an output that was rewritten: statistics, overviews, masks, items."""
    for suffix in (".aux.xml", ".ovr", ".msk", *(() if items else (".stac.json",))):
        with suppress(OSError):  # the output itself is there and whole
            output.with_name(output.name + suffix).unlink(missing_ok=True)


def let_go(writer: Writer) -> None:
    """Close what will be thrown away or is whole already: on a full disk even that fails, and the reason was said before."""
    import rasterio

    with suppress(OSError, rasterio.errors.RasterioError):
        writer.close()


@contextmanager
def write_errors(outputs: Sequence[Path]) -> Iterator[None]:
    """What the libraries say about a full or broken disk, as one line."""
    import sqlite3

    import pyogrio
    import rasterio

    failures = (OSError, sqlite3.Error, rasterio.errors.RasterioError, pyogrio.errors.DataSourceError,
                pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError, pyogrio.errors.GeometryError)  # fmt: skip
    try:
        yield
    except failures as error:
        reason = reason_of(error)
        free = min((shutil.disk_usage(p.parent).free for p in outputs if p.parent.exists()), default=1 << 40)
        if free < 1 << 20 or "disk is full" in reason or "No space left" in reason:
            reason = f"no space left on the device ({reason})"
        names = ", ".join(map(str, outputs))
        raise UsageError(
            f"cannot write {names}: {reason}; nothing was left there, choose another output with -o"
        ) from None
