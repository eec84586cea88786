"""Tiny labelled imagery: coloured rectangles on noise, as COCO, index masks, a raster with GeoJSON, labelled pictures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("ship", "storage tank", "harbor")
PAINT = {"white": (250, 250, 250), "red": (220, 20, 20), "blue": (20, 60, 220)}
SIZE = 128


def boxes(random: np.random.Generator, most: int = 6) -> list[tuple[str, str, int, int, int, int]]:
    """(class, colour, x, y, w, h) of objects that do not overlap, on a grid of 4 x 4 cells."""
    found = []
    for cell in random.permutation(16)[: random.integers(1, most + 1)].tolist():
        w, h = random.integers(6, 28, 2).tolist()
        x, y = cell % 4 * 32 + 2, cell // 4 * 32 + 2
        found.append((CLASSES[random.integers(3)], list(PAINT)[random.integers(3)], x, y, w, h))
    return found


def picture(objects: list[tuple[str, str, int, int, int, int]], random: np.random.Generator) -> np.ndarray:
    """uint8 (SIZE, SIZE, 3)."""
    pixels = random.integers(90, 110, (SIZE, SIZE, 3)).astype(np.uint8)
    for _, color, x, y, w, h in objects:
        pixels[y : y + h, x : x + w] = PAINT[color]
    return pixels


def write_coco(folder: Path, images: int = 12, seed: int = 0, **extra: object) -> Path:
    """`instances.json` beside `images/`; `extra` goes into every annotation."""
    random = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    data: dict[str, list] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": i, "name": c} for i, c in enumerate(CLASSES)],
    }
    for i in range(images):
        objects = boxes(random)
        Image.fromarray(picture(objects, random)).save(folder / "images" / f"{i:03d}.png")
        data["images"].append({"id": i, "file_name": f"{i:03d}.png", "height": SIZE, "width": SIZE})
        for name, _, x, y, w, h in objects:
            ring = [x, y, x + w, y, x + w, y + h, x, y + h]
            entry = {
                "id": len(data["annotations"]),
                "image_id": i,
                "category_id": CLASSES.index(name),
                "bbox": [x, y, w, h],
            }
            data["annotations"].append(entry | {"segmentation": [ring], "area": w * h, "iscrowd": 0} | extra)
    path = folder / "instances.json"
    path.write_text(json.dumps(data))
    return path


def write_index_masks(folder: Path, images: int = 6) -> Path:
    """`NNN.png` masks and `NNN.jpg` pictures side by side, `labels.json`: 0 background, 1 building, 2 vegetation."""
    random = np.random.default_rng(1)
    folder.mkdir(parents=True)
    for i in range(images):
        objects = boxes(random)
        mask = np.zeros((SIZE, SIZE), np.uint8)
        for n, (_, _, x, y, w, h) in enumerate(objects):
            mask[y : y + h, x : x + w] = 1 + n % 2
        Image.fromarray(picture(objects, random)).save(folder / f"area{i % 2}_{i:03d}.jpg")
        Image.fromarray(mask).save(folder / f"area{i % 2}_{i:03d}.png")
    (folder / "labels.json").write_text(json.dumps({"labels": ["background", "building", "vegetation"]}))
    return folder


def write_scenes(folder: Path) -> Path:
    """`labels.csv` of stadiums, airports, nothing, and what a picture merely contains: an airplane, a diamond."""
    folder.mkdir(parents=True)
    rows = [["file", "category"]]
    named = ["stadium", "airport", "airplane", "none", "none", "stadium", "ground track field", "baseball field"]
    for i, name in enumerate(named):
        Image.fromarray(picture([], np.random.default_rng(i))).save(folder / f"{i}.png")
        rows.append([f"{i}.png", name])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "labels.csv"
