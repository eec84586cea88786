"""COCO instances (`instances.json` beside an image folder) as annotated images."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard

from rs2sam2.data.builder.annotated import AnnotatedImage, describe, nothing, read_pixels
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.data.masks import RLE, Target, from_coco, union
from rs2sam2.errors import DataError, UsageError

DERIVED = "mask"
"""Annotations with this key had their mask made by a program, not by people: good to learn from, never to score on."""

PERHAPS = 0.25
"""The visible share that a crowd is given: whether it is one object or many, or where they are, is not known."""

Found = tuple[SceneObject, Target | None]
"""An object and its mask; none where only a box is known."""


def read_coco(
    annotations: Path, images: Path, split: str, progress: Callable[[int, int], None] = nothing
) -> list[AnnotatedImage]:
    """Annotated images of a COCO instances file, in the file's order.

    Objects with only a box take part as such: phrases are checked against them, but none is about them. What of a box lies
    beyond the edge is cut off. Nothing is said about a class where a crowd of it ("iscrowd") lies. `progress` gets (images
    done, images in all). UsageError for val or test where masks are derived (key "mask" of an annotation); DataError where
    file or pictures are not as needed.
    """
    data = _load(annotations)
    names = {c["id"]: str(c["name"]) for c in data["categories"]}
    for number, name in names.items():
        if not name.strip():
            raise DataError(f"{annotations}: category {number} has an empty name; name it")
    by_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for annotation in data["annotations"]:
        by_image[annotation["image_id"]].append(annotation)
        if DERIVED in annotation and split != "train":
            raise UsageError(
                f"{annotations} has masks made by a program ({DERIVED}: {annotation[DERIVED]!r}); they are for training "
                f"only, so type --split train instead of {split}"
            )
    result = []
    for done, image in enumerate(data["images"], 1):
        size = (image["height"], image["width"])
        path = images / str(image["file_name"])
        pixels = read_pixels(path, size)
        found: list[Found] = []
        crowded = set()
        for annotation in by_image[image["id"]]:
            category = names.get(annotation["category_id"])
            if annotation.get("iscrowd"):  # whatever its outline is worth, nothing is said about its class
                crowded |= set() if category is None else {canonical(category)}
                found += _crowd(category, annotation)
                continue
            if category is None:
                raise DataError(f"{annotations}: category {annotation['category_id']} is not among its categories")
            try:
                one = _object(category, annotation, size, pixels)
            except DataError as error:
                raise DataError(f"{annotations}: {_name(annotation)} of {image['file_name']}: {error}") from None
            found += [one] if one is not None else []
        everything = Layout(size[1], size[0], tuple(o for o, _ in found))
        layout, inside = everything.cropped((0, 0, size[1], size[0]))
        targets = tuple(found[i][1] for i in inside)
        derived = any(DERIVED in annotation for annotation in by_image[image["id"]])
        result.append(AnnotatedImage(path, layout, targets, crowded=frozenset(crowded), derived=derived))
        progress(done, len(data["images"]))
    return result


def _object(category: str, annotation: dict[str, Any], size: tuple[int, int], pixels: Any) -> Found | None:
    """An annotation on uint8 pixels (H, W, 3) of `size`; None where it has neither a mask nor a box."""
    parts = from_coco(annotation.get("segmentation"))
    for part in parts:
        if isinstance(part, RLE) and part.size != size:
            raise DataError(
                f"its run-length code is {part.size[0]} x {part.size[1]} (height x width) but its image {size[0]} x {size[1]}; "
                "give the code for the whole picture"
            )
    if parts:
        mask = union([part.decode(size) for part in parts], size)
        seen = describe(category, mask, pixels)
        if seen is not None:
            return seen, parts[0] if len(parts) == 1 else RLE.encode(mask)
    box = annotation.get("bbox")
    if box is None:
        return None
    if not _is_box(box):
        raise DataError(f"bbox {str(box)[:40]} is not [x, y, width, height]; correct it")
    x, y, w, h = map(float, box)
    return SceneObject(category, (x, y, x + w, y + h), w * h, boxed=True), None


def _crowd(category: str | None, annotation: dict[str, Any]) -> list[Found]:
    """A crowd as something that may be there, by its box: without a mask, and without a look of its own."""
    box = annotation.get("bbox")
    if category is None or not _is_box(box):
        return []
    x, y, w, h = map(float, box)
    return [(SceneObject(category, (x, y, x + w, y + h), w * h, visible=PERHAPS, boxed=True), None)]


def _is_box(box: Any) -> TypeGuard[list[float]]:
    numbers = isinstance(box, list) and len(box) == 4 and all(type(v) in (int, float) for v in box)
    return numbers and all(abs(v) <= sys.float_info.max for v in box) and min(box[2:]) >= 0  # NaN is no number here


def _name(annotation: dict[str, Any]) -> str:
    return f"annotation {annotation['id']}" if "id" in annotation else "an annotation"


_NEEDED: dict[str, dict[str, tuple[type, ...]]] = {
    "images": {"id": (int, str), "file_name": (str,), "height": (int,), "width": (int,)},
    "annotations": {"image_id": (int, str), "category_id": (int, str)},
    "categories": {"id": (int, str), "name": (str,)},
}
"""What the lists of a COCO file must hold, and as what."""


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); give a COCO instances file with --coco") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error})") from None
    missing = [part for part in _NEEDED if not isinstance(data, dict) or not isinstance(data.get(part), list)]
    if missing:
        raise DataError(
            f"{path} lacks {', '.join(missing)}; expected COCO instances: lists of images, annotations, categories"
        )
    for part, keys in _NEEDED.items():
        for item in data[part]:
            wrong = [k for k, kinds in keys.items() if not isinstance(item, dict) or type(item.get(k)) not in kinds]
            if wrong:
                raise DataError(
                    f"{path}: an entry of {part} lacks {', '.join(wrong)}, or not as COCO has it: {str(item)[:80]}"
                )
    for key in ("id", "file_name"):
        for value, times in Counter(image[key] for image in data["images"]).most_common(1):
            if times > 1:
                raise DataError(
                    f"{path}: {times} images have the {key} {value!r}; list each picture once, under one id"
                )
    return data  # type: ignore[no-any-return]
