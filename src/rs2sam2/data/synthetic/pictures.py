"""Synthetic pictures on disk: an image folder and, beside it, `instances.json` in COCO form, which says what they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from rs2sam2.data.masks import RLE
from rs2sam2.data.synthetic.render import Instance, render
from rs2sam2.errors import UsageError
from rs2sam2.files import new_folder, write_text

CATEGORIES: tuple[str, ...] = (
    "airplane",
    "baseball field",
    "basketball court",
    "bridge",
    "building",
    "chimney",
    "dam",
    "expressway service area",
    "expressway toll station",
    "golf field",
    "ground track field",
    "harbor",
    "overpass",
    "road",
    "ship",
    "stadium",
    "storage tank",
    "tennis court",
    "tree",
    "vehicle",
    "windmill",
)
"""What scenes are made of, by RRSIS-D's names where it has one. The COCO id is the place in this list, from 1."""

NOTE = "Synthetic: drawn by a program from random numbers. No place, object or measurement in it is real."


def coco_header(images: list[dict[str, Any]], generator: dict[str, Any]) -> dict[str, Any]:
    """A COCO instances file without its annotations; ``info`` says that it is synthetic and how it was made."""
    return {
        "info": {"description": NOTE, "synthetic": True, "licence": "Apache-2.0", "generator": generator},
        "images": images,
        "categories": [{"id": k, "name": name} for k, name in enumerate(CATEGORIES, 1)],
    }


def coco_annotation(instance: Instance, number: int, image_id: int) -> dict[str, Any]:
    """A COCO annotation: the visible mask as run-length code, the box x, y, width, height, the area in pixels."""
    x0, y0, x1, y1 = instance.box
    code = RLE.encode(instance.mask)
    return {
        "id": number,
        "image_id": image_id,
        "category_id": CATEGORIES.index(instance.category) + 1,
        "segmentation": {"size": list(code.size), "counts": code.counts},
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": instance.area,
        "iscrowd": 0,
        "attributes": instance.attributes,
    }


def write_pictures(
    folder: str | Path,
    scenes: Sequence[str],
    count: int,
    *,
    size: tuple[int, int] = (512, 512),
    gsd: float | None = None,
    seed: int = 0,
    categories: Sequence[str] | None = None,
    image_format: Literal["png", "jpg"] = "png",
    advance: Callable[[], None] = lambda: None,
) -> dict[str, int]:
    """Draw ``count`` pictures, taking turns among ``scenes``, and write them with their truth; picture k has seed + k.

    Returns the number of instances written per category; ``categories`` keeps only those named. Raises UsageError for
    a value out of its range or a folder that already holds other files.
    """
    if count < 1 or not scenes:
        raise UsageError(
            f"{count} pictures of {len(scenes)} kinds of scene were asked for; ask for at least one of one"
        )
    kept = check_categories(categories)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    totals: dict[str, int] = {}
    generator = {"program": "rs2sam2 data render", "scenes": list(scenes), "count": count, "size": list(size),
                 "gsd": gsd, "seed": seed, "categories": sorted(kept)}  # fmt: skip
    with new_folder(folder) as out:
        (out / "images").mkdir()
        for k in range(count):
            drawn = render(scenes[k % len(scenes)], size, gsd, seed + k)
            name = f"{k:05d}.{image_format}"
            Image.fromarray(drawn.image).save(out / "images" / name, quality=92)
            images.append(
                {"id": k, "file_name": name, "width": size[1], "height": size[0], "scene": drawn.scene,
                 "gsd": round(drawn.gsd, 4), "seed": drawn.seed}
            )  # fmt: skip
            for instance in drawn.instances:
                if instance.category in kept:
                    annotations.append(coco_annotation(instance, len(annotations) + 1, k))
                    totals[instance.category] = totals.get(instance.category, 0) + 1
            advance()
        write_text(out / "instances.json", json.dumps(coco_header(images, generator) | {"annotations": annotations}))
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


def check_categories(categories: Sequence[str] | None) -> frozenset[str]:
    """The categories named, all when None; UsageError for one that no scene has."""
    unknown = sorted(set(categories or ()) - set(CATEGORIES))
    if unknown:
        raise UsageError(f"no synthetic object is called {unknown[0]!r}; choose from: {', '.join(CATEGORIES)}")
    return frozenset(categories or CATEGORIES)
