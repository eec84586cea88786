"""`rs2sam2 data render`: draw synthetic scenes with exact masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from rs2sam2.cli.console import follow, progress, say
from rs2sam2.errors import UsageError

Repeated = Parameter(negative=())


def render(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    scene: Annotated[Sequence[str], Repeated] = (),
    count: int = 10,
    size: int = 512,
    gsd: float | None = None,
    seed: int = 0,
    category: Annotated[Sequence[str], Repeated] = (),
    image_format: Annotated[Literal["png", "jpg"], Parameter(name="--format")] = "png",
    geotiff: Annotated[tuple[int, ...], Parameter(consume_multiple=True, negative=())] = (),
    crs: str = "EPSG:32633",
    origin: tuple[float, float] | None = None,
    rotation: float = 0.0,
    truth: Path | None = None,
    compress: Literal["deflate", "jpeg", "none"] = "deflate",
    workers: int = 1,
) -> None:
    """Draw overhead scenes with exact instance masks. They are drawings, and every file says so.

    Without --geotiff: pictures in OUTPUT/images, their masks in OUTPUT/instances.json (COCO). With it: one georeferenced
    scene OUTPUT (.tif) of any size, written in constant memory.

    Parameters
    ----------
    output
        Folder for pictures (new or empty), or the GeoTIFF to write.
    scene
        Kind of scene: airfield, harbour, tank-farm, sports, suburb, river, fields, roads, reservoir, power-plant,
        toll-station, service-area, overpasses or golf-course; may be repeated (default: all in turn).
    count
        How many pictures.
    size
        Side of a picture in pixels.
    gsd
        Ground sampling distance in metres (default: a usual one for each scene; 0.5 for a GeoTIFF).
    seed
        The same seed draws the same pixels and masks.
    category
        Write the masks of this category only; may be repeated.
    image_format
        png: exact pixels. jpg: smaller, with a camera's losses.
    geotiff
        Height and width of a georeferenced scene in pixels, or one number for both.
    crs
        Coordinate reference system of the GeoTIFF.
    origin
        Its upper left corner in units of that CRS.
    rotation
        Turn of its pixel grid, counter-clockwise in degrees.
    truth
        Where its objects' outlines go: .geojson (WGS 84) or .json (COCO, pixels). Nowhere by default.
    compress
        Compression of the GeoTIFF.
    workers
        Processes that draw the GeoTIFF.
    """
    from rs2sam2.data.synthetic.geotiff import write_geotiff
    from rs2sam2.data.synthetic.pictures import write_pictures
    from rs2sam2.data.synthetic.scenes import SCENES

    if not geotiff:
        if truth is not None:
            raise UsageError("--truth belongs to --geotiff; the truth of pictures is OUTPUT/instances.json")
        if output.suffix.lower() in (".tif", ".tiff"):
            raise UsageError(f"{output} is a GeoTIFF; say how large: --geotiff 2048")
        with progress("drawing", count) as bar:
            totals = write_pictures(
                output, tuple(scene) or tuple(SCENES), count, size=(size, size), gsd=gsd, seed=seed,
                categories=category or None, image_format=image_format,
                advance=lambda: bar.advance(bar.task_ids[0]),
            )  # fmt: skip
        say(f"{output}: {count} pictures, " + (", ".join(f"{n} {name}" for name, n in totals.items()) or "no objects"))
        return
    if scene:
        raise UsageError("--scene does not go with --geotiff, which draws all kinds side by side; leave one out")
    if workers < 1:
        raise UsageError(f"--workers {workers} draw nothing; give at least 1")
    if len(geotiff) > 2:
        raise UsageError(f"--geotiff takes a height and a width, or one number for both; {len(geotiff)} were given")
    with progress("drawing", 1) as bar:
        report = write_geotiff(
            output, (geotiff[0], geotiff[-1]), gsd=0.5 if gsd is None else gsd, seed=seed, crs=crs, origin=origin,
            rotation=rotation, truth=truth, categories=category or None, compress=compress, workers=workers,
            advance=follow(bar),
        )  # fmt: skip
    say(f"{report.path}: {report.size[0]} x {report.size[1]} pixels, {crs}")
    if report.truth is not None:
        say(f"{report.truth}: " + (", ".join(f"{n} {name}" for name, n in report.objects.items()) or "no objects"))
