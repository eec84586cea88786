"""COCO instances (`instances.json` beside an image folder) as annotated images."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rs2sam2.data.builder.annotated import AnnotatedImage, describe, read_pixels
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.masks import RLE, Target, from_coco, union
from rs2sam2.errors import DataError, UsageError

DERIVED = "mask"
"""Annotations with this key had their mask made by a program, not by people: good to learn from, never to score on."""


def read_coco(
    annotations: Path, images: Path, split: str, advance: Callable[[], None] = lambda: None
) -> list[AnnotatedImage]:
    """Annotated images of a COCO instances file, in the file's order; crowds are left out.

    Objects with only a box take part as such: phrases are checked against them, but none is about them. UsageError for
    val or test where masks are derived (key "mask" of an annotation); DataError where file or pictures are not as needed.
    """
    data = _load(annotations)
    names = {c["id"]: str(c["name"]) for c in data["categories"]}
    by_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for annotation in data["annotations"]:
        if not annotation.get("iscrowd"):
            by_image[annotation["image_id"]].append(annotation)
        if DERIVED in annotation and split != "train":
            raise UsageError(
                f"{annotations} has masks made by a program ({DERIVED}: {annotation[DERIVED]!r}); they are for training "
                f"only, so type --split train instead of {split}"
            )
    result = []
    for image in data["images"]:
        height, width = int(image["height"]), int(image["width"])
        path = images / str(image["file_name"])
        pixels = read_pixels(path, (height, width))
        objects: list[SceneObject] = []
        targets: list[Target | None] = []
        for annotation in by_image[image["id"]]:
            category = names.get(annotation["category_id"])
            if category is None:
                raise DataError(f"{annotations}: category {annotation['category_id']} is not among its categories")
            parts = from_coco(annotation.get("segmentation"))
            mask = union([part.decode((height, width)) for part in parts], (height, width)) if parts else None
            found = describe(category, mask, pixels) if mask is not None else None
            if found is not None and mask is not None:
                objects.append(found)
                targets.append(parts[0] if len(parts) == 1 else RLE.encode(mask))
            elif "bbox" in annotation:
                x, y, w, h = (float(v) for v in annotation["bbox"])
                objects.append(SceneObject(category, (x, y, x + w, y + h), w * h))
                targets.append(None)
        result.append(AnnotatedImage(path, Layout(width, height, tuple(objects)), tuple(targets)))
        advance()
    return result


def image_count(path: Path) -> int:
    """How many images a COCO file names, for a progress bar."""
    return len(_load(path)["images"])


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"no {path}; give a COCO instances file with --coco") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error})") from None
    missing = [key for key in ("images", "annotations", "categories") if not isinstance(data, dict) or key not in data]
    if missing:
        raise DataError(
            f"{path} lacks {', '.join(missing)}; expected COCO instances with images, annotations, categories"
        )
    needed = {
        "images": ("id", "file_name", "height", "width"),
        "annotations": ("image_id", "category_id"),
        "categories": ("id", "name"),
    }
    for part, keys in needed.items():
        for item in data[part]:
            lacking = [key for key in keys if key not in item]
            if lacking:
                raise DataError(f"{path}: an entry of {part} lacks {', '.join(lacking)}: {str(item)[:80]}")
    return data  # type: ignore[no-any-return]
