"""What `segment` and `batch` share about scenes: their options, and one scene from the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from rs2sam2.cli.console import follow, progress, say, say_json, stderr
from rs2sam2.errors import NothingFoundError, PartialFailureError, UsageError

if TYPE_CHECKING:
    from rs2sam2.geo.identity import Weights
    from rs2sam2.geo.options import SceneOptions
    from rs2sam2.geo.result import SceneResult

SCENE_SUFFIXES = (".gpkg", ".geojson", ".parquet", ".tif", ".tiff")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
LISTED = 20
"""Tiles that could not be read, on stderr."""
Switch = Annotated[bool, Parameter(negative=(), show_default=False)]


@dataclass(frozen=True)
class SceneFlags:
    """Options of scenes.

    Parameters
    ----------
    bands
        Scene: bands to show as red, green and blue, such as 4,3,2, or one for grey (default: as the file says, else 1,2,3).
    stretch
        Scene: which values become black and white. auto: 8-bit data stay as they are, other data run between percentiles 2
        and 98 of each band. none: 8-bit data only. Or percentiles (1,99), or values (0:3000).
    aoi
        Scene: vector file; only the area within its polygons is searched.
    tile_size
        Scene: side of a tile in pixels (default: the model's own size, one to one).
    gsd
        Scene: working resolution in metres per pixel, instead of --tile-size.
    overlap
        Scene: share of a tile that its neighbour also covers.
    scope
        Scene: the frame that "left" and "largest" refer to. tile: each tile. scene: the whole scene, by a coarse look and
        then a fine one. auto: scene for phrases with such words, tile for all others.
    simplify
        Scene: metres (without a CRS, pixels) by which outlines may depart from the mask's edge.
    min_area
        Scene: square metres (without a CRS, pixels) that a feature needs; smaller ones are dropped.
    layers
        Scene: layers of the GeoPackage: one, with the attribute phrase, or one for each phrase.
    probabilities
        Scene: write probabilities (times 250, with the scale in the file) to the .tif, instead of the mask.
    batch_size
        Scene: pairs of tile and phrase to compute at a time (default: what suits the model and device).
    workers
        Scene: threads that read tiles.
    skip_unreadable
        Scene: leave tiles that cannot be read empty (nodata) and exit with 4, instead of stopping.
    """

    bands: str | None = None
    stretch: str = "auto"
    aoi: Path | None = None
    tile_size: int | None = None
    gsd: float | None = None
    overlap: float = 0.25
    scope: Literal["auto", "tile", "scene"] = "auto"
    simplify: float = 0.0
    min_area: float = 0.0
    layers: Literal["one", "phrase"] = "one"
    probabilities: Switch = False
    batch_size: int | None = None
    workers: int = 2
    skip_unreadable: Switch = False

    def options(self, min_score: float | None) -> SceneOptions:
        """As the library takes them. Raises UsageError."""
        from rs2sam2.geo.options import SceneOptions

        return SceneOptions(
            bands=_bands(self.bands), stretch=self.stretch, tile_size=self.tile_size, gsd=self.gsd,
            overlap=self.overlap, scope=self.scope, min_score=min_score, simplify=self.simplify,
            min_area=self.min_area, layers=self.layers, probabilities=self.probabilities, batch_size=self.batch_size,
            workers=self.workers, skip_unreadable=self.skip_unreadable,
        )  # fmt: skip


def _bands(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d+(\s*,\s*\d+)*", text.strip()):
        raise UsageError(f"--bands {text!r} is no list of band numbers; write it like 4,3,2")
    return tuple(int(part) for part in text.split(","))


def is_scene(images: Sequence[str], outputs: Sequence[Path]) -> bool:
    """Whether inputs and outputs alone say that this is a scene: an output of scenes, or an input that is no picture file."""
    if any(path.suffix.lower() in SCENE_SUFFIXES for path in outputs):
        return True
    return any(Path(name).suffix.lower() not in PICTURE_SUFFIXES and not Path(name).is_dir() for name in images)


def check_uses(flags: SceneFlags, stac: bool, suffixes: Sequence[str]) -> None:
    """UsageError for a flag about an output that is not asked for."""
    asked = {suffix.lower() for suffix in suffixes}
    for given, option, about, there in (
        (stac, "--stac", "an output", bool(asked)),
        (flags.probabilities, "--probabilities", "a .tif", bool(asked & {".tif", ".tiff"})),
        (flags.layers == "phrase", "--layers phrase", "a .gpkg", ".gpkg" in asked),
    ):
        if given and not there:
            raise UsageError(
                f"{option} is about {about}, and none is asked for; ask for one with -o (in a batch: --format)"
            )


def segment_one_scene(
    sources: Sequence[str],
    phrases: Sequence[str],
    outputs: Sequence[Path],
    flags: SceneFlags,
    weights: Weights,
    *,
    min_score: float | None,
    stac: bool,
    fail_empty: bool,
    json: bool,
) -> None:
    """One scene, its files and its report."""
    from rs2sam2.geo.raster import name_of
    from rs2sam2.geo.segment import check_phrases, segment_scene
    from rs2sam2.geo.writers import check_outputs

    if len(sources) > 1:
        raise UsageError(
            f"{len(sources)} scenes were given; for several type: rs2sam2 batch SCENES... -p PHRASE -o DIR"
        )
    options = flags.options(min_score)
    paths = [p / f"{Path(name_of(sources[0])).stem}.gpkg" if not p.suffix or p.is_dir() else p for p in outputs]
    check_outputs(paths)
    check_uses(flags, stac, [p.suffix for p in paths])
    check_phrases(phrases)
    _look_at(sources[0])
    predictor = weights()
    with progress("segmenting", 1) as bar:
        result = segment_scene(
            sources[0], phrases, paths, predictor=predictor, options=options, aoi=flags.aoi, stac=stac,
            revision=weights.identity(), keep_features=False,
            advance=follow(bar),
        )  # fmt: skip
    if json:
        say_json(result.to_dict())
    else:
        _say_result(result)
    if result.unreadable:
        for reason in result.unreadable[:LISTED]:
            stderr.print(f"rs2sam2: {reason}", markup=False, highlight=False, soft_wrap=True)
        if len(result.unreadable) > LISTED:
            _note(f"and {len(result.unreadable) - LISTED} more; --json lists them all")
        raise PartialFailureError(
            f"{len(result.unreadable)} parts of {result.source} could not be read (listed above) and were left empty"
        )
    if fail_empty and result.empty:
        raise NothingFoundError(f"nothing was found for {', '.join(map(repr, phrases))} in {result.source}")


def _look_at(source: str) -> None:
    """Say before the weights are loaded that a file is not there, or what it lacks."""
    from rs2sam2.geo.raster import open_raster

    with open_raster(source) as dataset:
        if dataset.crs is not None:
            return
        if dataset.gcps[0]:
            where = f"only ground control points; for results on the ground, first type: gdalwarp {source} placed.tif"
        else:
            where = "no coordinate reference system; areas in square metres are unknown"
        system = "in pixels" if dataset.transform.is_identity else "in its own system"
    _note(f"{source} has {where}. Coordinates are {system}")


def _note(text: str) -> None:
    stderr.print(f"note: {text}", markup=False, highlight=False, soft_wrap=True)


def _say_result(result: SceneResult) -> None:
    if result.ground.crs is not None and not result.ground.metric:
        _note(
            f"{result.source} says degrees, but not of the earth, or its coordinates are none (check its CRS); "
            "areas in square metres are unknown"
        )
    for p in result.phrases:
        if not p.features:
            found = "nothing found"
        else:
            area = f"{p.pixels:,} pixels" if p.area_m2 is None else f"{p.area_m2:,.0f} m²"
            found = f"{p.features:,} feature{'s' if p.features > 1 else ''}, {area}, best score {p.score:.2f}"
        say(f"{result.source}: {p.phrase!r} {found}")
        if p.seen_at_m is not None:
            _note(
                f"{p.phrase!r} is about the scene as a whole, which was looked at with {p.seen_at_m:g} m a pixel; "
                "narrow it with --aoi, or let each tile answer for itself with --scope tile"
            )
    for path in result.outputs:
        say(f"-> {path}")
