"""Index-mask PNGs (one value a class, or one value an object) beside their images as annotated images.

A connected patch of a class is an object; what is smaller than `SPECK` of the image is not spoken of, but keeps others
from being called the only one. Patches of land cover ("vegetation") take the specks near them along.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.builder.annotated import AnnotatedImage, describe, nothing, read_pixels
from rs2sam2.data.components import Patch, components
from rs2sam2.data.language.geometry import gap
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import NOT_THINGS, canonical, noun_of
from rs2sam2.data.masks import RLE, Mask, Target
from rs2sam2.errors import DataError, UsageError

SPECK = 0.001
"""The share of the image below which a patch is no object of its own."""
NOISE = 12
"""Patches of fewer pixels are ragged edges."""
IMAGES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")


def read_index_masks(
    masks: Path,
    images: Path,
    labels: Path | None,
    instances_of: str | None,
    progress: Callable[[int, int], None] = nothing,
) -> list[AnnotatedImage]:
    """Annotated images of a folder of index-mask PNGs, by name.

    `images`: folder of the pictures, of the same name but for the suffix. `labels`: JSON list of names, or an object of
    names by value (under "labels", or under file-name patterns). `instances_of`: instead of labels, the class of which
    each value but 0 is one object. `progress` gets (masks done, in all). UsageError where neither or both are given;
    DataError where files are not as needed.
    """
    if (labels is None) == (instances_of is None):
        raise UsageError("index masks need one of --labels FILE (a class for each value) and --instances-of CLASS")
    names = _label_tables(labels) if labels is not None else {}
    result = []
    files = sorted(masks.glob("*.png")) if masks.is_dir() else []
    if not files:
        raise DataError(f"no .png in {masks}; give the folder of index masks with --masks")
    for done, path in enumerate(files, 1):
        values = _values(path)
        picture = _picture(images, path)
        pixels = read_pixels(picture, (values.shape[0], values.shape[1]))
        objects: list[SceneObject] = []
        targets: list[Target | None] = []
        for value in np.unique(values).tolist():
            mask = values == value
            if instances_of is not None:
                if value != 0 and (seen := describe(instances_of, mask, pixels)) is not None:
                    objects.append(seen)
                    targets.append(RLE.encode(mask))
                continue
            name = _name(names, path.name, value, labels)
            if canonical(name) not in NOT_THINGS:
                for seen, target in _patches(name, mask, pixels):
                    objects.append(seen)
                    targets.append(target)
        layout = Layout(values.shape[1], values.shape[0], tuple(objects))
        result.append(AnnotatedImage(picture, layout, tuple(targets), counted=instances_of is not None))
        progress(done, len(files))
    return result


def _patches(name: str, mask: Mask, pixels: NDArray[np.uint8]) -> Iterator[tuple[SceneObject, Target | None]]:
    """The connected patches of a class as objects, specks without a target."""
    parts = list(components(mask, NOISE))
    big = [part for part in parts if part.area >= SPECK * mask.size]
    small = [part for part in parts if part.area < SPECK * mask.size]
    near: list[list[Patch]] = [[part] for part in big]
    if noun_of(name).mass and big:
        for part in small:
            nearest = min(range(len(big)), key=lambda i: gap(big[i].box(), part.box()))
            near[nearest].append(part)
        small = []
    for group in near:
        whole = np.zeros(mask.shape, np.bool_)
        for part in group:
            part.add_to(whole)
        seen = describe(name, whole, pixels)
        assert seen is not None
        yield seen, RLE.encode(whole)
    for part in small:
        yield SceneObject(name, part.box(), float(part.area)), None


def _values(path: Path) -> NDArray[Any]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            values = np.asarray(image)
    except Exception as error:  # Pillow's decoders raise many kinds on damaged files
        raise DataError(f"mask file {path} cannot be read ({error}); replace it") from None
    if values.ndim != 2:
        raise DataError(f"mask file {path} has {values.shape[2]} bands; an index mask has one, a value for each class")
    return values


def _picture(images: Path, mask: Path) -> Path:
    for suffix in IMAGES:
        path = images / (mask.stem + suffix)
        if path.is_file() and path.resolve() != mask.resolve():
            return path
    raise DataError(f"no picture {images / mask.stem}.jpg (or .png, .tif) for mask {mask}; check --images")


def _label_tables(path: Path) -> dict[str, dict[int, str]]:
    """Names by value, for each file-name pattern ("*" where one table serves all)."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(
            f'{path} cannot be read ({error.strerror}); write one: {{"labels": {{"0": "background", "1": "building"}}}}'
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error})") from None
    if isinstance(data, list):
        data = {"labels": data}
    if not isinstance(data, dict):
        raise DataError(f"{path}: expected a list of names or an object, got {type(data).__name__}")
    tables: dict[str, dict[int, str]] = {}
    for key, entry in {"*": data["labels"]}.items() if "labels" in data else data.items():
        if isinstance(entry, list):
            entry = dict(enumerate(entry))
        if isinstance(entry, dict):
            table = {int(value): str(name) for value, name in entry.items() if str(value).isdigit()}
            tables |= {pattern.strip(): table for pattern in key.split(",")}
    if not tables:
        raise DataError(f'{path} names no class; expected {{"labels": {{"0": "background", "1": "building"}}}}')
    return tables


def _name(tables: dict[str, dict[int, str]], file: str, value: int, labels: Path | None) -> str:
    for pattern, table in tables.items():
        if fnmatch.fnmatch(file, pattern) and value in table:
            if not table[value].strip():
                raise DataError(f'{labels}: value {value} has an empty name; name it ("ignore" to leave it out)')
            return table[value]
    raise DataError(
        f'{file} holds the value {value}, for which {labels} has no name; add it ("ignore" to leave it out)'
    )
