"""Miniature data sets in each published layout, with the quirks of the real ones. Everything is drawn; nothing is copied."""

from __future__ import annotations

import json
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from rs2sam2.data.masks import RLE

SIDE = 64
SHARED = Path(__file__).resolve().parents[2].parent / "shared"
PHRASES = (
    "The ship on the left",
    "A tiny vehicle in the middle",
    "The bridge at the bottom",
    "A windmill on the right",
)
CATEGORIES = {1: "ship", 2: "vehicle", 3: "bridge", 5: "windmill"}


def picture(seed: int, height: int = SIDE, width: int = SIDE) -> Image.Image:
    """Coarse random fields, enlarged: as different from each other as photographs."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)


def deep_png(path: Path, kind: int) -> Path:
    """A PNG of 16 bits a band, which Pillow cannot write; `kind`: 0 grey, 2 colour, 4 and 6 the same with transparency."""
    bands = {0: 1, 2: 3, 4: 2, 6: 4}[kind]
    rows = np.random.default_rng(0).integers(0, 2**16, (SIDE, SIDE * bands)).astype(">u2")
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 16, kind, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with path.open("ab") as out:
        for name, body in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")):
            out.write(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)))
    return path


def mask(seed: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """One rectangle, never empty."""
    rng = np.random.default_rng(seed)
    top, left = rng.integers(0, height - 8), rng.integers(0, width - 8)
    out = np.zeros((height, width), bool)
    out[top : top + rng.integers(4, height - top), left : left + rng.integers(4, width - left)] = True
    return out


def code(array: np.ndarray) -> dict:
    rle = RLE.encode(array)
    return {"size": list(rle.size), "counts": rle.counts}


def rrsisd(root: Path, *, count: int = 8, quirks: bool = False, folder: str = "rrsisd", seed: int = 0) -> Path:
    """RRSIS-D. Clean, or with every quirk of the real one (see the ids below)."""
    images = root / "images" / folder / "JPEGImages"
    images.mkdir(parents=True)
    (root / folder).mkdir()
    refs, annotations, infos = [], [], []
    for n in range(count):
        category = list(CATEGORIES)[n % 4]
        words = PHRASES[n % 4]
        array = mask(seed + n)
        rows, columns = np.flatnonzero(array.any(1)), np.flatnonzero(array.any(0))
        picture(seed + n).save(images / f"{n:05}.jpg", quality=92)
        infos.append({"id": n, "file_name": f"{n:05}.jpg", "height": SIDE, "width": SIDE})
        annotations.append(
            {"id": n, "image_id": n, "category_id": category, "area": -1.0, "iscrowd": 0, "segmentation": [code(array)]}
            | {"bbox": [int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])]}  # x1, y1, x2, y2
        )
        sentence = {"sent_id": n, "sent": words, "raw": words, "tokens": words.split()}
        refs.append(
            {"ref_id": n, "ann_id": n, "image_id": n, "category_id": category, "file_name": f"{n:05}.jpg"}
            | {"split": ("train", "train", "val", "test")[n % 4], "sent_ids": [n], "sentences": [sentence]}
        )
    key = "categories"
    if quirks:
        key = "categories_id"
        picture(0, SIDE + 1, SIDE).save(images / "00000.jpg")  # as 09976.jpg: one row more than its mask
        annotations[1]["segmentation"] = [code(np.zeros((SIDE, SIDE), bool))]  # as 20203: an empty mask
        annotations[4]["segmentation"] = []  # none at all
        annotations[5]["segmentation"] = [{"size": [SIDE, SIDE], "counts": "@@@@"}]  # cut off
        refs[2]["sentences"][0]["raw"] += "\r\n"
        (images / "00003.jpg").unlink()
        refs[6]["ref_id"] = 2  # twice in val
        annotations[6]["categories_id"] = annotations[6].pop("category_id")
        annotations[7]["segmentation"] = [[4, 4, 20, 4, 20, 20], [30, 30, 40, 30, 40, 40, 30, 40]]  # polygons
        annotations.append(annotations[0] | {"segmentation": [code(mask(0)), code(mask(100))]})  # id 0 again: the later
        (images / "00004.jpg").write_bytes((images / "00004.jpg").read_bytes()[:300])  # the download broke off
    names = [{"id": n, "name": name} for n, name in CATEGORIES.items()]
    data = {"images": infos, "annotations": annotations, key: names}
    (root / folder / "instances.json").write_text(json.dumps(data))
    (root / folder / "refs(unc).p").write_bytes(pickle.dumps(refs))
    return root


def refsegrs(root: Path, *, newline: str = "\n", count: int = 6) -> Path:
    """RefSegRS: tif images and masks; the masks' ink is 255, and 50 is background."""
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    lines: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for n in range(count):
        picture(n).save(root / "images" / f"{n}.tif")
        Image.fromarray(np.where(mask(n), 255, 50).astype(np.uint8)).save(root / "masks" / f"{n}.tif")
        lines[("train", "val", "test")[n % 3]].append(f"{n} {PHRASES[n % 4].lower()}")
    for split, those in lines.items():
        (root / f"output_phrase_{split}.txt").write_bytes(newline.join([*those, ""]).encode())
    return root


def risbench(root: Path, *, by_split: bool = False, count: int = 6) -> Path:
    """RISBench as lists with masks; one mask is all black, as in the real one."""
    for n in range(count):
        split = ("train", "val", "test")[n % 3]
        for kind in ("imgs", "labels"):
            (root / kind / (split if by_split else "")).mkdir(parents=True, exist_ok=True)
        picture(n).save(root / "imgs" / (split if by_split else "") / f"P{n:04}.jpg")
        array = mask(n) if n else np.zeros((SIDE, SIDE), bool)
        Image.fromarray(array).convert("L").save(root / "labels" / (split if by_split else "") / f"P{n:04}.png")
        with (root / f"output_phrase_{split}.txt").open("a") as out:
            out.write(f"P{n:04} {PHRASES[n % 4]}\n")
    return root


def refs(root: Path, *, count: int = 6) -> Path:
    """The open format, written by hand: every kind of target, several targets and none."""
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    targets = [
        [{"rle": code(mask(0))}],
        [{"polygons": [[4, 4, 20, 4, 20, 20, 4, 20]]}],
        [{"mask": "masks/labels.png", "values": [3]}],
        [{"rle": code(mask(0))}, {"polygons": [[40, 40, 60, 40, 60, 60]]}],
        [],
    ]
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[8:24, 8:24], labels[40:, 40:] = 3, 4
    Image.fromarray(labels).save(root / "masks" / "labels.png")
    info = {"format": "rs2sam2-refs", "version": 1, "name": "Tiny", "licence": "CC0"}
    (root / "dataset.json").write_text(json.dumps(info))
    for split, start in (("train", 0), ("val", 100)):
        with (root / f"{split}.jsonl").open("w") as out:
            for n in range(start, start + count):
                picture(n).save(root / "images" / f"{n}.png")
                kind = ("position", "size", "category")[n % 3]
                item = {
                    "id": f"{split}-{n}",
                    "image": f"images/{n}.png",
                    "phrase": PHRASES[n % 4],
                    "targets": targets[n % 5],
                }
                item |= {
                    "category": CATEGORIES[list(CATEGORIES)[n % 4]],
                    "kind": kind,
                    "program": {"op": "all", "n": n},
                }
                out.write(json.dumps(item) + "\n")
    return root
