"""Outline the water in NWPU VHR-10's pictures, from points that were set by hand.

    python scripts/outline_water.py nwpu_vhr10 train -o src/rs2sam2/recipes/nwpu-water.json
    python scripts/outline_water.py nwpu_vhr10 val -o benchmarks/nwpu-water-val.json

From each point the outline grows over all connected pixels of nearly its colour and smoothness; annotated ships and bridges are cut
out. The outcome was looked at, picture by picture; where it was wrong, points were added or the picture was left out, as were those where
boats hide the water, or where one cannot tell. Pictures without ships, harbors and bridges, and not named here, show no water: so they
were seen to. Written is a COCO file that lists the pictures of which something is known.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from rs2sam2.data.components import components
from rs2sam2.data.masks import RLE, from_coco, union

POINTS = """
    008: 9 1; 8.5 3.5. 069: 1 1; 4 0.5. 165: 3 5.5; 7 3; 0.4 6.2. 167: 2.5 0.8; 4.8 3; 5.2 6; 4.3 9; 3.6 2.
    168: 2.8 6.5; 5.5 2.2; 8 1.6; 1.5 8.5. 169: 3 5; 1.5 1; 8 4.5; 9 6. 170: 5.9 8; 5 2. 171: 2.5 7.5; 6 4; 8 2.
    173: 4.5 0.5; 4 3; 3.7 5; 3 7.5; 2 9.6; 3.9 3.2. 174: 3.2 2.5; 4 7; 2 0.5. 175: 1.2 7; 4.5 3; 6 1.
    176: 6 5; 2 3.8; 9.5 6. 178: 5 3.5; 4.8 7.5; 8 0.8. 179: 5.8 3; 3.8 5; 4 8. 180: 1.5 5.5; 8 5.5; 4.2 5.5.
    181: 2 3.5; 4 5; 8 7; 6.5 5.6; 8.5 5; 9.5 6. 182: 6 6; 1 5. 183: 4.5 7; 4.8 0.5; 5 2. 184: 6 5.5; 1 5.5.
    187: 3.3 1.5; 4.5 3.2; 5.5 5; 6 7.5; 7.5 9.3. 188: 2 4; 7 4.5; 1 1; 9 6. 194: 7 1.2; 3.5 6; 2.5 9.
    195: 2 1; 5 3; 6.5 5; 6.2 8.5; 1 9.5; 5.8 4; 6.6 5.5; 6.3 7. 245: 8 5; 6 1.5; 5.8 2; 6 6; 6 4.
    270: 5 8; 3 7; 9 8; 8.8 5.5. 271: 4 6; 8 9. 272: 2 7.5; 5 9. 275: 7 6; 9 3. 276: 7 4; 4 8. 278: 3 2; 7 1.5; 1 9.5.
    279: 5 2; 8 7. 280: 8 6; 4 1.5; 0.4 9; 0.5 6. 285: 6 6. 288: 4 6. 289: 3 3; 0.7 7; 0.3 4; 6.6 3.8; 2.2 1.7.
    292: 5 4; 2 3; 8.5 5.5; 0.5 4. 293: 7 5; 8 2.5. 295: 5 4; 8 8. 298: 4 2; 8.5 1; 6.5 0.5; 9.7 3. 299: 2 6.
    300: 4 8. 302: 5 3; 0.5 8; 9.5 3; 9.5 1; 8 9.5; 1.2 8.8. 304: 2 4; 3 1.5.
    306: 8 6; 2 6.5; 0.5 4; 2 4.5; 0.7 5.5; 8.7 8.7; 5.5 5. 307: 7 4. 308: 6 4; 3.5 8; 9.5 6; 9.5 8.5. 309: 5 5.
    310: 2 8; 9 6; 1 3; 6.5 2.8. 311: 2 1.5; 9 3.5; 0.2 4.3. 312: 9 6; 1.5 0.5. 315: 3 5.
    317: 1 3; 1.5 9; 3 9.5; 5.5 0.3; 0.3 9.5. 320: 3 4; 3.4 9.5. 321: 3 5. 322: 2 1.2; 6 2.2. 323: 7 1.
    324: 6 8; 0.3 2; 9 8. 325: 6 7. 364: 2.5 4. 435: 5 5; 1 1; 0.5 2. 490: 3 3; 8 9; 8.5 7.5; 6 9.5; 7.5 4.8; 9.5 5.
    509: 5 5. 520: 5 1; 9.5 4. 527: 4 3.5; 8 7.5. 528: 2 4; 5 4; 7.8 4.3; 9.3 4.6. 538: 4.3 5; 5 9.3; 4 0.5.
    540: 5 4; 8 3.5. 549: 5 4; 2 7.5; 7 8.5. 550: 4 5; 7 3.5; 0.8 7.5; 9.3 2.3. 553: 5 4.5; 4.8 8.5; 5 1.
    556: 2 2; 6 2.8; 9 4. 559: 3 2; 8 2; 0.3 5; 2.5 2; 4.5 1.5; 0.3 7; 9 2.5. 561: 7 5; 7 1; 6.5 9.5; 7.5 9.3.
    571: 6 5. 573: 1.8 8.5. 580: 7 7. 585: 1 3.5; 6 1.5. 624: 5 7. 628: 5 3; 6.5 8. 638: 4 1; 3 4; 3 7. 650: 8.2 2.
    090: 3 6; 8 8. 185: 5.5 3; 1 7.5; 8 0.8. 189: 3 3.8; 7 7; 1.3 1.5; 5.8 5.8. 193: 4.8 3; 5.5 0.7; 3.3 9.3.
    268: 2 5; 6 8. 274: 7 5. 277: 6 8; 0.5 8.5. 286: 7 8.5. 297: 4 6. 301: 7 5; 9.5 2; 7.5 0.7; 9.5 0.5.
    303: 3 7; 0.5 9.5. 305: 4 3. 539: 6 5; 1 5; 9 4.5. 541: 5 4.2; 8 4.7. 542: 5 4; 1 3.5; 8.5 6.5.
    544: 6 3.8; 1 3.3; 9.7 4.5. 555: 2.5 2.5; 6 2.8; 0.3 3.5. 558: 4.6 2.5; 5 6.8; 5 8.8; 4.2 4.5; 4.6 0.5.
    560: 6 1.5; 7 8; 5.5 4.8.
"""
"""By picture: across and down in tenths of its size."""
OPEN_SEA = """
    294 296 500 501 503 504 505 506 517 518 519
"""
"""There is nothing but water and ships."""
UNSURE = """
    067 068 073 081 086 101 126 244 288 314 318 319 327 328 329 330 331 350 363 368 399 421 448 452 471 493 498
    567 578 584 607 613 633 640 645
"""
"""A pool, a ditch, a marsh, a dark corner: left out."""
WET = {"ship", "harbor", "bridge"}
"""Pictures with one of these are left out unless there are points."""
COLOUR = 14
"""How far a pixel's grey levels may be from the point's, in each band."""
ROUGH = 7
"""How much grey levels may vary around a pixel, or twice as much as around the point."""
HOLE, SPECK = 0.004, 0.001
"""Shares of the picture: smaller holes are filled, smaller patches are dropped."""
ABOUT = (
    "Water in the pictures of NWPU VHR-10 (Cheng et al., 2014), outlined by scripts/outline_water.py of rs2sam2. "
    "A picture that is listed without water shows none."
)

Mask = NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder with images and instances_*.json")
    parser.add_argument("split", choices=("train", "val"))
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    data = json.loads((args.root / f"instances_{args.split}.json").read_text())
    names = {c["id"]: c["name"] for c in data["categories"]}
    images, annotations = [], []
    for image in sorted(data["images"], key=lambda i: i["file_name"]):
        stem, size = Path(image["file_name"]).stem, (image["height"], image["width"])
        here = [a for a in data["annotations"] if a["image_id"] == image["id"]]
        wet = stem in POINTS_OF or stem in OPEN_SEA.split()
        if stem in UNSURE.split() or (not wet and any(names[a["category_id"]] in WET for a in here)):
            continue
        images.append({key: image[key] for key in ("id", "file_name", "width", "height")})
        if wet:
            solid = [a for a in here if names[a["category_id"]] in ("ship", "bridge")]
            water = outline(args.root / "images" / image["file_name"], POINTS_OF.get(stem))
            water &= ~union([part.decode(size) for a in solid for part in from_coco(a["segmentation"])], size)
            annotations += patches(water, image["id"], len(annotations) + 1)
    write(args.output, images, annotations)
    print(f"{len(annotations)} patches in {len({a['image_id'] for a in annotations})} of {len(images)} pictures")


def points_of(text: str) -> dict[str, list[tuple[float, float]]]:
    """POINTS as numbers."""
    table = {}
    for entry in " ".join(text.split()).rstrip(".").split(". "):
        stem, points = entry.split(": ")
        table[stem] = [(float(x), float(y)) for x, y in (point.split() for point in points.split("; "))]
    return table


POINTS_OF = points_of(POINTS)


def outline(path: Path, points: list[tuple[float, float]] | None) -> Mask:
    """The water around the points; all of the picture where there are none."""
    pixels = np.asarray(Image.open(path).convert("RGB"), np.float32)
    height, width = pixels.shape[:2]
    if points is None:
        return np.ones((height, width), np.bool_)
    grey = pixels.mean(2)
    rough = np.sqrt(np.maximum(mean(grey * grey, 3) - mean(grey, 3) ** 2, 0))
    colour = np.stack([mean(pixels[..., band], 2) for band in range(3)], 2)
    water = np.zeros((height, width), np.bool_)
    for across, down in points:
        x, y = min(width - 1, int(across / 10 * width)), min(height - 1, int(down / 10 * height))
        near = slice(max(0, y - 6), y + 6), slice(max(0, x - 6), x + 6)
        like = np.abs(colour - np.median(colour[near].reshape(-1, 3), 0)).max(2) < COLOUR
        like &= rough < max(ROUGH, 2 * float(np.median(rough[near])))
        for patch in components(like):
            top, left = y - patch.top, x - patch.left
            if 0 <= top < patch.mask.shape[0] and 0 <= left < patch.mask.shape[1] and patch.mask[top, left]:
                patch.add_to(water)
                break
    water |= filtered(water, ImageFilter.MaxFilter(5)) & (rough < 2 * ROUGH)  # what the windows above shaved off
    for hole in components(~water):
        if hole.area < HOLE * water.size:
            hole.add_to(water)
    return filtered(water, ImageFilter.MedianFilter(7))


def mean(x: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Of the square of 2 reach + 1 pixels around each."""
    side = 2 * reach + 1
    sums = np.pad(x, ((reach + 1, reach), (reach + 1, reach)), mode="edge").cumsum(0).cumsum(1)
    return (sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]) / side / side


def filtered(mask: Mask, by: ImageFilter.Filter) -> Mask:
    """A mask through a filter of Pillow's."""
    return np.asarray(Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).filter(by)) > 0


def patches(water: Mask, image: int, first: int) -> list[dict[str, Any]]:
    """COCO annotations of the connected parts."""
    found: list[dict[str, Any]] = []
    for patch in components(water):
        if patch.area < SPECK * water.size:
            continue
        whole = np.zeros(water.shape, np.bool_)
        patch.add_to(whole)
        x0, y0, x1, y1 = map(int, patch.box())
        found.append({
            "id": first + len(found), "image_id": image, "category_id": 1, "area": patch.area,
            "bbox": [x0, y0, x1 - x0, y1 - y0], "segmentation": {"size": list(water.shape), "counts": RLE.encode(whole).counts},
        })  # fmt: skip
    return found


def write(path: Path, images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> None:
    """A COCO file, an entry a line."""

    def rows(entries: list[dict[str, Any]]) -> str:
        return ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)

    head = f'{{"info":{json.dumps({"description": ABOUT})},\n"categories":[{{"id":1,"name":"water"}}],\n'
    text = f'{head}"images":[\n{rows(images)}],\n"annotations":[\n{rows(annotations)}]}}\n'
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)


if __name__ == "__main__":
    main()
