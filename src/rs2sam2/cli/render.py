"""`rs2sam2 data render`: draw synthetic scenes with exact masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from rs2sam2.cli.console import follow, progress, say
from rs2sam2.errors import UsageError

Repeated = Parameter(negative=(), show_default=False)


def render(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    scene: Annotated[Sequence[str], Repeated] = (),
    count: int | None = None,
    size: int | None = None,
    gsd: float | None = None,
    seed: int = 0,
    category: Annotated[Sequence[str], Repeated] = (),
    image_format: Annotated[Literal["png", "jpg"] | None, Parameter(name="--format")] = None,
    geotiff: Annotated[tuple[int, ...], Parameter(consume_multiple=True, negative=(), show_default=False)] = (),
    crs: str | None = None,
    origin: Annotated[tuple[float, float] | None, Parameter(negative=())] = None,
    rotation: float | None = None,
    truth: Path | None = None,
    compress: Literal["deflate", "jpeg", "none"] | None = None,
    workers: int | None = None,
) -> None:
    """Draw overhead scenes with exact instance masks. They are drawings, and every file says so.

    Without --geotiff, pictures go to OUTPUT/images and their masks to OUTPUT/instances.json (COCO). With it, OUTPUT is one
    georeferenced scene (.tif) of any size, written in constant memory.

    Parameters
    ----------
    output
        Folder for the pictures (new or empty), or the GeoTIFF to write.
    scene
        Kind of scene: airfield, harbour, tank-farm, sports, suburb, river, fields, roads, reservoir, power-plant,
        toll-station, service-area, overpasses or golf-course; may be repeated (default: all in turn).
    count
        Number of pictures (default: 10).
    size
        Side of each picture in pixels (default: 512).
    gsd
        Ground sampling distance in metres per pixel (default: a usual one for each kind of scene; 0.5 for a GeoTIFF).
    seed
        Random seed; the same seed draws the same pixels and masks.
    category
        Write masks of this category only; may be repeated.
    image_format
        png: exact pixels (default). jpg: smaller files, with JPEG's losses.
    geotiff
        Height and width of a georeferenced scene in pixels, or one number for both.
    crs
        Coordinate reference system of the GeoTIFF (default: EPSG:32633).
    origin
        The GeoTIFF's upper left corner, in units of its CRS (default: 500000 5000000; 15 45 in degrees).
    rotation
        Counter-clockwise rotation of the GeoTIFF's pixel grid, in degrees (default: 0).
    truth
        File for the outlines of the GeoTIFF's objects: .geojson (WGS 84) or .json (COCO, pixels); none by default.
    compress
        Compression of the GeoTIFF (default: deflate).
    workers
        Processes that draw the GeoTIFF (default: 1).
    """
    from rs2sam2.data.synthetic.geotiff import write_geotiff
    from rs2sam2.data.synthetic.pictures import write_pictures
    from rs2sam2.data.synthetic.scenes import SCENES

    pictures = {"scene": scene or None, "count": count, "size": size, "format": image_format}
    scenes = {"crs": crs, "origin": origin, "rotation": rotation, "compress": compress, "workers": workers}
    if not geotiff:
        if truth is not None:
            raise UsageError("--truth belongs to --geotiff; the truth of pictures is OUTPUT/instances.json")
        if output.suffix.lower() in (".tif", ".tiff"):
            raise UsageError(f"{output} is a GeoTIFF; say how large: --geotiff 2048")
        _refuse(scenes, "belongs to --geotiff; leave it out")
        count, size = 10 if count is None else count, 512 if size is None else size
        with progress("drawing", count) as bar:
            totals = write_pictures(
                output, tuple(scene) or tuple(SCENES), count, size=(size, size), gsd=gsd, seed=seed,
                categories=category or None, image_format=image_format or "png",
                advance=lambda: bar.advance(bar.task_ids[0]),
            )  # fmt: skip
        say(f"{output}: {count} pictures, " + (", ".join(f"{n} {name}" for name, n in totals.items()) or "no objects"))
        return
    _refuse(pictures, "does not go with --geotiff, which draws one scene of all kinds; leave it out")
    crs, workers = "EPSG:32633" if crs is None else crs, 1 if workers is None else workers
    if workers < 1:
        raise UsageError(f"--workers {workers} draw nothing; give at least 1")
    if len(geotiff) > 2:
        raise UsageError(f"--geotiff takes a height and a width, or one number for both; {len(geotiff)} were given")
    with progress("drawing", 1) as bar:
        report = write_geotiff(
            output, (geotiff[0], geotiff[-1]), gsd=0.5 if gsd is None else gsd, seed=seed, crs=crs, origin=origin,
            rotation=rotation or 0.0, truth=truth, categories=category or None, compress=compress or "deflate",
            workers=workers, advance=follow(bar),
        )  # fmt: skip
    say(f"{report.path}: {report.size[0]} x {report.size[1]} pixels, {crs}")
    if report.truth is not None:
        say(f"{report.truth}: " + (", ".join(f"{n} {name}" for name, n in report.objects.items()) or "no objects"))


def _refuse(options: Mapping[str, object], why: str) -> None:
    for option in (name for name, value in options.items() if value is not None):
        raise UsageError(f"--{option} {why}")
