"""`rs2sam2 data make-refs`: labelled imagery in, a referring data set out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from rs2sam2.cli.console import check_writable, follow, progress, say, say_json
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.errors import UsageError

if TYPE_CHECKING:
    from rs2sam2.data.builder.annotated import AnnotatedImage

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
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Make a referring data set from ordinary labelled imagery, every phrase checked against the annotation.

    Give one of --coco, --masks, --geojson and --scenes. The same input, options and seed give the same data set.

    Parameters
    ----------
    output
        Folder of the new data set, in the open format. Other splits already in it are kept.
    coco
        COCO instances file; several with as many --split.
    images
        Folder of the images of --coco or --masks (default: "images" beside the COCO file, the folder of the masks).
    masks
        Folder of index-mask PNGs, named as their images.
    labels
        JSON file that names the classes of the mask values.
    instances_of
        Instead of --labels: the class of which each mask value but 0 is one object.
    geojson
        Polygons over --raster.
    raster
        Georeferenced 8-bit image; it is cut into tiles, which are written into the output folder.
    class_field
        Property that holds a polygon's class (default: category, class, label, name or type).
    tile
        Side of the tiles in pixels.
    scenes
        CSV file with columns file,category: pictures that are each filled by one thing.
    split
        Name of the split to write (default: train).
    hold_out
        File-name patterns, such as "tile7_*": images that go to val instead.
    style
        english, or rrsisd for the RRSIS-D benchmark's wording and rules.
    seed
        Of all choices.
    per_image
        At most so many phrases with a target an image.
    no_target
        Share of phrases that refer to nothing in their image.
    incomplete
        Classes annotated in some images only, such as "vehicle": nothing is said about them where none is annotated.
    name
        Of the data set (default: the folder's name).
    licence
        Of images and annotation, noted in the data set.
    json
        Print the counts as JSON.
    """
    from dataclasses import asdict

    from rs2sam2.data.builder.choose import Recipe, choose
    from rs2sam2.data.builder.make import held_out, image_root, write

    recipe = Recipe(style, seed, per_image, no_target=no_target, incomplete=tuple(incomplete or ()))
    splits = split or ["train"]
    source = _only_source({"coco": coco, "masks": masks, "geojson": geojson, "scenes": scenes})
    given = {
        "images": images,
        "labels": labels,
        "instances-of": instances_of,
        "raster": raster,
        "class-field": class_field,
    }
    for option in (name for name, value in given.items() if value is not None and name not in _OPTIONS[source]):
        raise UsageError(f"--{option} does not go with --{source}; leave it out")
    if len(splits) != (len(coco) if coco else 1) or len(set(splits)) != len(splits):
        raise UsageError(
            f"--split names {len(splits)} splits for {len(coco) if coco else 1} sources; give each its own"
        )
    for split_name in splits:
        if not split_name.isidentifier():
            raise UsageError(f"--split {split_name!r} is no name of a split; give train, val or test")
    if hold_out and splits != ["train"]:
        raise UsageError("--hold-out divides one source into train and val; leave --split out")
    if tile < 64:
        raise UsageError(f"--tile {tile} is too small for an image; give 256 to 2048")
    check_writable(output, folder=True)
    parts: list[tuple[str, list[AnnotatedImage], Path]] = []
    for i, split_name in enumerate(splits):
        path, found = _read(coco[i] if coco else None, images, masks, labels, instances_of, geojson, raster, class_field,
                            tile, scenes, output, split_name)  # fmt: skip
        if hold_out:
            kept, held = held_out(found, hold_out)
            parts += [("train", kept, path), ("val", held, path)]
        else:
            parts.append((split_name, found, path))
    _check_classes(incomplete or [], [image for _, found, _ in parts for image in found])
    chosen = []  # for all parts before the first is written: its splits are written all or not at all
    for split_name, found, path in parts:
        with progress(f"phrases for {split_name}", len(found)) as bar:
            pairs = choose(found, recipe, follow(bar))
        if not pairs:
            raise UsageError(
                f"nothing can be said for certain about the {len(found)} images of {path}; are they labelled?"
            )
        chosen.append(pairs)
    roots = sorted({str(image_root(output, found)) for _, found, _ in parts})
    if len(roots) > 1:
        raise UsageError(
            f"the splits have their images in {' and '.join(roots)}; give each its own --output, or put them in one folder"
        )
    report = {}
    for (split_name, found, path), pairs in zip(parts, chosen, strict=True):
        counts = write(output, name or output.resolve().name, split_name, found, pairs, recipe, licence, path.name)
        report[split_name] = asdict(counts) | {"images": len(found)}
    if json:
        say_json(report)
        return
    for split_name, entry in report.items():
        say(
            f"{output}/{split_name}.jsonl: {entry['pairs']} pairs on {entry['images']} images, {entry['no_target']} without "
            f"a target ({entry['hard']} of them hard: the class is there)"
        )
        if entry["no_target"] < 0.9 * no_target * entry["pairs"]:
            say(f"  fewer without a target than --no-target {no_target:g} asks for: what is said here is false nowhere")
        say("  " + ", ".join(f"{kind} {n}" for kind, n in entry["kinds"].items()))


_OPTIONS = {
    "coco": ("images",),
    "masks": ("images", "labels", "instances-of"),
    "geojson": ("raster", "class-field"),
    "scenes": (),
}
"""The options that go with each source."""


def _only_source(sources: dict[str, object]) -> str:
    named = [name for name, value in sources.items() if value is not None]
    if len(named) != 1:
        said = " and ".join(f"--{name}" for name in named) or "none"
        raise UsageError(
            f"give one of --coco, --masks, --geojson and --scenes (given: {said}); see rs2sam2 data make-refs --help"
        )
    return named[0]


def _check_classes(named: list[str], images: list[AnnotatedImage]) -> None:
    there = sorted({canonical(o.category) for image in images for o in image.layout.objects})
    for name in named:
        if canonical(name) not in there:
            raise UsageError(f"--incomplete {name} is no class of these labels; they have {', '.join(there) or 'none'}")


def _read(
    coco: Path | None, images: Path | None, masks: Path | None, labels: Path | None, instances_of: str | None,
    geojson: Path | None, raster: Path | None, class_field: str | None, tile: int, scenes: Path | None, output: Path, split: str,
) -> tuple[Path, list[AnnotatedImage]]:  # fmt: skip
    """The annotated images of one source, and the path they came from."""
    if coco is not None:
        from rs2sam2.data.builder.coco import read_coco

        with progress(f"reading {coco.name}", 1) as bar:
            return coco, read_coco(coco, images or coco.parent / "images", split, follow(bar))
    if masks is not None:
        from rs2sam2.data.builder.index_masks import read_index_masks

        with progress("reading masks", 1) as bar:
            return masks, read_index_masks(masks, images or masks, labels, instances_of, follow(bar))
    if scenes is not None:
        from rs2sam2.data.builder.scenes import read_scenes

        with progress("reading pictures", 1) as bar:
            return scenes, read_scenes(scenes, split, follow(bar))
    if geojson is None or raster is None:
        raise UsageError("--geojson needs the image it lies on; add --raster IMAGE.tif")
    from rs2sam2.data.builder.geojson import read_geojson

    with progress("cutting tiles", 1) as bar:
        return geojson, read_geojson(geojson, raster, output, tile, class_field, follow(bar))
