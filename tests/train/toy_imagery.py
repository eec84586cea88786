"""Generated imagery for every kind of pool: coloured blocks, annotated exactly; and phrases over layouts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
from PIL import Image

from rs2sam2.train.objects.options import PoolOptions

HEIGHT, WIDTH = 80, 96
THINGS = {"ship": (250, 250, 250), "storage tank": (200, 30, 30), "airplane": (30, 30, 200)}
LABELS = {"0": "unlabeled", "1": "building", "2": "road", "3": "vegetation"}
COLOURS = {0: (90, 90, 90), 1: (180, 60, 60), 2: (40, 40, 40), 3: (40, 150, 50)}
SHRUNK = {
    "name": "toy",
    "image_size": 64,
    "trunk": {"stem": 8, "widths": [8, 8, 8, 16, 16, 16, 24], "repeats": [1] * 7},
    "pyramid": 16,
    "width": 20,
    "depth": 2,
    "heads": 2,
    "candidates": 6,
}
"""Changes that make the bundled model a toy of the same kind."""
QUICK = [
    f"--model={json.dumps(SHRUNK)}",
    "--data.views=8",
    "--data.bank=40",
    "--data.phrases=5",
    "--data.calibration={share: 0.4, views: 16}",
    "--compute.workers=0",
]
"""Overrides for a toy run."""


def write_pool(root: Path, pool: PoolOptions, count: int = 5) -> None:
    """Files of `count` images for a pool, and one more for each pattern that excludes some."""
    names = [f"image{n}" for n in range(count)] + [Path(p.replace("*", "1")).stem for p in pool.exclude]
    if pool.kind == "mosaic":
        _mosaic(root / str(pool.labels), names)
    elif pool.kind == "coco":
        _coco(root / str(pool.annotations), root / str(pool.images), names)
    else:
        _masks(root, pool, names)


def write_layouts(path: Path, count: int = 8) -> None:
    """Phrases of RRSIS-D's form over layouts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for n in range(count):
        left, right = [40, 300, 200 + n, 460], [560, 320, 760, 500 - n]
        name = ("ship", "airplane", "storagetank")[n % 3]
        lines.append({
            "split": "train", "phrase": f"The {name if n % 3 < 2 else 'storage tank'} on the left", "category": name,
            "target_box_xyxy": left, "all_objects": [[name, left], [name, right], ["vehicle", [400, 40, 430, 70]]],
        })  # fmt: skip
    lines.append({**lines[0], "split": "val"})
    lines.append({**lines[0], "target_box_xyxy": None})
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("".join(json.dumps(line) + "\n" for line in lines))


def _coco(path: Path, images: Path, names: list[str]) -> None:
    images.mkdir(parents=True, exist_ok=True)
    listed, annotations = [], []
    for n, name in enumerate(names):
        rng = np.random.default_rng(n)
        pixels = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
        for k, colour in enumerate(THINGS.values()):
            x, y = int(rng.integers(0, 12)) + 32 * k, int(rng.integers(0, 40))
            w, h = 13 + k, 13 + n
            pixels[y : y + h, x : x + w] = colour
            ring = [x, y, x + w, y, x + w, y + h, x, y + h]
            annotations.append(
                {"id": 10 * n + k, "image_id": n, "category_id": k, "segmentation": [ring], "bbox": [x, y, w, h]}
            )
        Image.fromarray(pixels).save(images / f"{name}.jpg")
        listed.append({"id": n, "file_name": f"{name}.jpg", "height": HEIGHT, "width": WIDTH})
    categories = [{"id": k, "name": name} for k, name in enumerate(THINGS)]
    path.write_text(json.dumps({"images": listed, "annotations": annotations, "categories": categories}))


def _masks(root: Path, pool: PoolOptions, names: list[str]) -> None:
    masks, images = root / str(pool.masks), root / str(pool.images)
    for folder in (masks, images):
        folder.mkdir(parents=True, exist_ok=True)
    if pool.labels is not None:
        (root / pool.labels).write_text(json.dumps({"labels": LABELS}))
    for n, name in enumerate(names):
        values = np.zeros((HEIGHT, WIDTH), np.uint8)
        values[8 : 30 + n, 6:40] = 1
        values[40:60, :] = 2
        values[10:34, 50 + n : 90] = 3
        pixels = np.array([COLOURS[v] for v in range(4)], np.uint8)[values]
        Image.fromarray(values).save(masks / f"{name}.png")
        Image.fromarray(pixels).save(images / f"{name}.jpg")


def _mosaic(labels: Path, names: list[str]) -> None:
    labels.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for n, name in enumerate(names):
        for category in ("airport", "stadium", "none"):
            colour = (40 * n % 250, 80, {"airport": 30, "stadium": 140, "none": 230}[category])
            Image.new("RGB", (60, 50), colour).save(labels.parent / f"{category}_{name}.png")
            rows.append(f"{category}_{name}.png,{category}")
    labels.write_text("file,category\n" + "\n".join(rows) + "\n")
