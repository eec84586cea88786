"""`rs2sam2 data make-refs`: labelled imagery in, a referring data set out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from cyclopts import Parameter

from rs2sam2.cli.console import check_writable, follow, progress, say, say_json
from rs2sam2.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rs2sam2.data.builder.annotated import AnnotatedImage
    from rs2sam2.data.builder.choose import Pair, Recipe
    from rs2sam2.data.builder.source import Source

Many = Parameter(negative=(), consume_multiple=True)


def make_refs(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    coco: Annotated[list[Path] | None, Many] = None,
    images: Path | None = None,
    masks: Path | None = None,
    labels: Path | None = None,
    instances_of: str | None = None,
    geojson: Path | None = None,
    raster: Path | None = None,
    class_field: str | None = None,
    tile: int = 1024,
    scenes: Path | None = None,
    split: Annotated[list[str] | None, Many] = None,
    hold_out: Annotated[list[str] | None, Many] = None,
    style: Literal["english", "rrsisd"] = "english",
    seed: int = 0,
    per_image: int = 24,
    no_target: float = 0.2,
    incomplete: Annotated[list[str] | None, Many] = None,
    name: str | None = None,
    licence: str | None = None,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Make a referring data set from ordinary labelled imagery; every phrase is checked against the annotation.

    Give exactly one of --coco, --masks, --geojson and --scenes. The same input, options and seed give the same data set.

    Parameters
    ----------
    output
        Folder of the new data set, in the open format. Other splits already in it are kept.
    coco
        COCO instances file; for several files, give as many --split.
    images
        Folder of the images for --coco or --masks (default: "images" beside the COCO file, or the folder of the masks).
    masks
        Folder of index masks: PNGs that are named like their images.
    labels
        JSON file that names the class of each mask value.
    instances_of
        Instead of --labels: the one class of all objects; each mask value but 0 is an object.
    geojson
        GeoJSON file of polygons that lie on --raster.
    raster
        Georeferenced 8-bit image; its tiles are written into the output folder.
    class_field
        Property that holds a polygon's class (default: category, class, label, name or type).
    tile
        Side of the tiles in pixels.
    scenes
        CSV file with the columns file and category, of pictures that are each filled by one thing.
    split
        Name of the split to write (default: train).
    hold_out
        File-name patterns, such as "tile7_*", of images that go to val instead.
    style
        english, or rrsisd for the RRSIS-D benchmark's wording and rules.
    seed
        Random seed for every choice.
    per_image
        Largest number of phrases with a target per image.
    no_target
        Share of phrases that refer to nothing in their image.
    incomplete
        Classes annotated in some images only, such as "vehicle"; an image without an annotation of one gets no phrase about it.
    name
        Name of the data set (default: the folder's name).
    licence
        Licence of images and annotation, noted in the data set.
    json
        Print the counts as JSON.
    """
    from dataclasses import asdict

    from rs2sam2.data.builder.choose import Recipe
    from rs2sam2.data.builder.make import check_classes, common_root, place_tiles, staging, write
    from rs2sam2.data.builder.source import Source

    recipe = Recipe(style, seed, per_image, no_target=no_target, incomplete=tuple(incomplete or ()))
    source = Source(tuple(coco or ()), masks, geojson, scenes, images, labels, instances_of, raster, class_field, tile)
    splits = split or ["train"]
    source.check_splits(splits, hold_out or ())
    check_writable(output, folder=True)
    parts: list[Part] = []
    with staging(output) as staged:
        for split_name, path in zip(splits, source.paths, strict=True):
            parts += _read(source, path, split_name, output, staged, hold_out or ())
        check_classes(recipe.incomplete, [image for part in parts for image in part.images])
        chosen = [_choose(part, recipe) for part in parts]  # before the first is written: all splits are, or none
        within = [source.pictures(path, output) for path in source.paths]
        root = common_root(output, {part.split: part.images for part in parts}, within)
        place_tiles(staged, output, [part.split for part in parts])
    report = {}
    for part, pairs in zip(parts, chosen, strict=True):
        counts = write(output, name, part.split, part.images, pairs, recipe, licence, part.path.name, root)
        report[part.split] = asdict(counts) | {"images": len(part.images)}
    if json:
        say_json(report)
    else:
        _say(report, output, no_target)


class Part(NamedTuple):
    """A split to be written, and the file or folder its annotations came from."""

    split: str
    images: list[AnnotatedImage]
    path: Path


def _read(source: Source, path: Path, split: str, output: Path, staged: Path, hold_out: Sequence[str]) -> list[Part]:
    """A split, or two of them where images are held out. Tiles are written to `staged`, to be moved to `output`."""
    from dataclasses import replace

    from rs2sam2.data.builder.make import held_out

    reading = {
        "coco": f"reading {path.name}",
        "masks": "reading masks",
        "scenes": "reading pictures",
        "geojson": "cutting tiles",
    }
    with progress(reading[source.kind], 1) as bar:
        found = source.read(path, split, staged, follow(bar))
    if source.kind == "geojson":
        found = [replace(tile, image=output / tile.image.relative_to(staged)) for tile in found]
    if not hold_out:
        return [Part(split, found, path)]
    kept, held = held_out(found, hold_out)
    return [Part("train", kept, path), Part("val", held, path)]


def _choose(part: Part, recipe: Recipe) -> list[Pair]:
    from rs2sam2.data.builder.choose import choose

    with progress(f"phrases for {part.split}", len(part.images)) as bar:
        pairs = choose(part.images, recipe, follow(bar))
    if not pairs:
        raise UsageError(
            f"nothing can be said for certain about the {len(part.images)} images of {part.path}; are they labelled?"
        )
    return pairs


def _say(report: dict[str, dict[str, Any]], output: Path, no_target: float) -> None:
    for split, entry in report.items():
        say(
            f"{output}/{split}.jsonl: {entry['pairs']} pairs on {entry['images']} images, {entry['no_target']} without "
            f"a target ({entry['hard']} of them hard: the class is there)"
        )
        if entry["no_target"] < 0.9 * no_target * entry["pairs"]:
            say(f"  fewer without a target than --no-target {no_target:g} asks for: what is said here is false nowhere")
        say("  " + ", ".join(f"{kind} {n}" for kind, n in entry["kinds"].items()))
