"""Pictures for the report: the truth outlined, the mask tinted, as small JPEGs inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from rs2sam2.data.sample import Sample
from rs2sam2.drawing import FOUND, TRUTH, outer_edge, shrink, tint
from rs2sam2.errors import DataError
from rs2sam2.evaluate.ask import native_size
from rs2sam2.evaluate.records import Record

SIDE = 288
"""Pixels of a picture's longer side."""
EACH = 8


def choose(records: Sequence[Record], protocol: str, min_score: float) -> dict[str, list[int]]:
    """Places of the best, the median and the worst records with a target, and of the most certain false alarms.

    A false alarm is a phrase without a target that was not told so: a mask with a score that reaches `min_score`. Of
    different images where possible; deterministic. Equal IoUs (many are 0) are taken from all over the split.
    """
    target = [i for i, r in enumerate(records) if r.has_target and r.answer.mask is not None]
    iou = {i: records[i].answer.iou(protocol) for i in target}
    shuffled = np.random.default_rng(0).permutation(len(target)).tolist()
    mixed = [target[n] for n in shuffled]
    middle = float(np.median(list(iou.values()))) if iou else 0.0
    alarms = [
        i for i, r in enumerate(records) if not r.has_target and r.answer.mask is not None and r.answer.found(min_score)
    ]
    return {
        "best": _distinct(records, sorted(mixed, key=lambda i: -iou[i])),
        "median": _distinct(records, sorted(mixed, key=lambda i: abs(iou[i] - middle))),
        "worst": _distinct(records, sorted(mixed, key=lambda i: iou[i])),
        "false alarms": _distinct(records, sorted(alarms, key=lambda i: -(records[i].answer.score or 0.0))),
    }


def _distinct(records: Sequence[Record], order: Sequence[int]) -> list[int]:
    seen: set[str] = set()
    fresh: list[int] = []
    again: list[int] = []
    for place in order:
        (again if records[place].image in seen else fresh).append(place)
        seen.add(records[place].image)
        if len(fresh) == EACH:
            break
    return (fresh + again)[:EACH]


def draw(sample: Sample, record: Record) -> str:
    """The sample's image with truth and mask as "data:image/jpeg;base64,..."; grey where the image file is not there."""
    height, width = size = native_size(sample)
    try:
        image = sample.load_image()
    except DataError:
        image = Image.new("RGB", (width, height), (128, 128, 128))
    truth = sample.load_mask(size)
    mask = record.answer.mask.decode() if record.answer.mask is not None else np.zeros(size, np.bool_)
    ratio = SIDE / max(size)
    small = max(1, round(width * ratio)), max(1, round(height * ratio))
    pixels = np.asarray(image.resize(small, Image.Resampling.BILINEAR)).astype(np.float32)
    guess, true = shrink(mask, small), shrink(truth, small)
    pixels = tint(pixels, guess, FOUND)
    pixels[outer_edge(true, 2)] = TRUTH
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
