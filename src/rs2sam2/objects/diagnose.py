"""Where an object-first model loses quality, for phrases whose truth is one connected mask.

object proposed          1 where a candidate's box fits the true one (IoU >= 0.5)
object chosen            1 where the candidate that the phrase chose does
language on true boxes   1 where the phrase chooses rightly once every true object of the call is proposed with its
                         true box; the other candidates stay as they are
best candidate           IoU of the mask of the candidate that fits best, whatever was chosen
mask at the true box     IoU of the mask at the true box
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from rs2sam2.data.components import components
from rs2sam2.metrics import intersection_union
from rs2sam2.objects.candidates import overlap, peaks
from rs2sam2.segmenter import Correction

if TYPE_CHECKING:
    from rs2sam2.objects.segmenter import ObjectSegmenter, Seen

FITS = 0.5
SPECK = 0.02
"""A component of less than this share of the mask does not make it two objects."""


def diagnose(
    segmenter: ObjectSegmenter, image: Image.Image, phrases: Sequence[str], truths: Sequence[NDArray[np.bool_]]
) -> list[dict[str, float]]:
    """The numbers above for each phrase; none where its truth is empty or several pieces. Truths are bool (H, W)."""
    seen = segmenter.see(image)
    boxes = [_box(truth) for truth in truths]
    known = list(dict.fromkeys(box for box in boxes if box is not None))
    told = _proposed(segmenter, seen, known)
    return [
        {} if box is None else _of_one(segmenter, seen, told, known.index(box), phrase, truth, box)
        for phrase, truth, box in zip(phrases, truths, boxes, strict=True)
    ]


def _of_one(
    segmenter: ObjectSegmenter,
    seen: Seen,
    told: Seen,
    place: int,
    phrase: str,
    truth: NDArray[np.bool_],
    box: tuple[float, float, float, float],
) -> dict[str, float]:
    fit = overlap(seen.candidates.boxes, torch.tensor([[box]], device=segmenter.device))[0, :, 0]
    reading, tokens, chosen = segmenter.read(seen, phrase, corrected=False)
    best = segmenter.mask(seen, reading, tokens, [int(fit.argmax())], 2 * segmenter.image_size)
    height, width = truth.shape
    pixels = (box[0] * width, box[1] * height, box[2] * width, box[3] * height)
    corrected = segmenter.corrected(seen, Correction(box=pixels), phrase)
    assert corrected is not None
    reading, tokens, first = segmenter.read(corrected, phrase, corrected=True)
    at_box = segmenter.mask(corrected, reading, tokens, first, 2 * segmenter.image_size)
    answer = segmenter.read(told, phrase, corrected=False)[2]
    return {
        "object proposed": float(fit.max() >= FITS),
        "object chosen": float(bool(chosen) and bool(fit[chosen[0]] >= FITS)),
        "language on true boxes": float(answer[:1] == [place]),
        "best candidate": _iou(best, truth),
        "mask at the true box": _iou(at_box, truth),
    }


def _proposed(segmenter: ObjectSegmenter, seen: Seen, boxes: Sequence[tuple[float, float, float, float]]) -> Seen:
    """The same image with these boxes (in [0, 1]) as the first candidates, in place of those that fit them or score least."""
    if not boxes:
        return seen
    true = torch.tensor([boxes], dtype=torch.float32, device=segmenter.device)
    side = seen.features.centres.shape[2]
    cells = peaks(seen.features.centres, segmenter.model.config.candidates)
    fit = overlap(segmenter.model.candidates_at(seen.features, cells).boxes, true)[0]
    others = cells[0][fit.amax(1) < FITS][: max(cells.shape[1] - len(boxes), 0)]
    centre = ((true[0, :, :2] + true[0, :, 2:]) / 2 * side).long().clamp(0, side - 1)
    cells = torch.cat([centre[:, 1] * side + centre[:, 0], others])[None]
    candidates = segmenter.model.candidates_at(seen.features, cells)
    candidates.boxes[0, : len(boxes)] = true[0]
    return seen.among(candidates)


def _box(truth: NDArray[np.bool_]) -> tuple[float, float, float, float] | None:
    """x0, y0, x1, y1 in [0, 1] of a mask that is one piece."""
    parts = list(components(truth, max(1, round(SPECK * float(truth.sum())))))
    if len(parts) != 1:
        return None
    height, width = truth.shape
    x0, y0, x1, y1 = parts[0].box()
    return x0 / width, y0 / height, x1 / width, y1 / height


def _iou(logits: Tensor, truth: NDArray[np.bool_]) -> float:
    enlarged = F.interpolate(logits[None, None].float(), truth.shape, mode="bilinear", align_corners=False)[0, 0]
    both, either = intersection_union((enlarged > 0).numpy(), truth)
    return both / either if either else 0.0
