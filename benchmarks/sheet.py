"""What a model gets most wrong on a referring data set, as one picture: found in orange, what is there outlined in blue.

rs2sam2 data render -o drawn --count 28 --size 640 --seed 99
rs2sam2 data make-refs --coco drawn/instances.json --split val --images drawn/images -o drawn-refs
python benchmarks/sheet.py drawn-refs --limit 240 -o docs/nano-failures.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from rs2sam2 import Predictor
from rs2sam2.data.registry import open_dataset
from rs2sam2.files import atomic
from rs2sam2.train.pictures import Shown, draw_sheet


def failures(predictor: Predictor, data: Path, split: str, limit: int, least: float) -> list[tuple[float, Shown]]:
    """One an image, the worst first: IoU and the sample. `least`: share of the image that a target covers."""
    samples = open_dataset(data).read(split)
    samples = samples[:: max(1, len(samples) // limit)][:limit]
    worst: dict[Path, tuple[float, Shown]] = {}
    for sample in samples:
        image = sample.load_image()
        truth = sample.load_mask((image.height, image.width))
        if truth.any() and truth.mean() < least:
            continue
        found = predictor.predict(image, sample.phrase)[0]
        mask = found.mask if found.is_here() else np.zeros_like(found.mask)
        either = (mask | truth).sum()
        iou = (mask & truth).sum() / either if either else 1.0
        answer = f"{found.presence:.2f}" if mask.any() else "not here"
        shown = Shown(image, sample.phrase, mask, truth, f"IoU {iou:.2f}, {answer}, {sample.kind or ''}")
        key = sample.image
        if key not in worst or iou < worst[key][0]:
            worst[key] = float(iou), shown
    return sorted(worst.values(), key=lambda w: w[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", default="nano")
    parser.add_argument("--split", default="val")
    parser.add_argument("--limit", type=int, default=240, help="phrases that are asked, spread over the split")
    parser.add_argument("--least", type=float, default=0.004, help="share of the image that a target covers at least")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    found = failures(Predictor.load(args.weights), args.data, args.split, args.limit, args.least)
    if not found:
        raise SystemExit(f"{args.data} has no target that covers {args.least:.1%} of its image; lower --least")
    with atomic(args.output) as file:
        draw_sheet([shown for _, shown in found[: args.count]]).save(file, format="PNG", optimize=True)
    for _, shown in found[: args.count]:
        print(f"{shown.phrase}: {shown.note}")


if __name__ == "__main__":
    main()
