"""Which candidate a correction means: by a box, by points on it and beside it, or by a previous answer."""

from __future__ import annotations

import torch
from torch import Tensor

from rs2sam2.objects.candidates import overlap
from rs2sam2.segmenter import Correction

RULED_OUT = -1e4
"""Added to the logit of a candidate that a correction rules out."""


def named_box(correction: Correction) -> tuple[float, float, float, float] | None:
    """The box in pixels that a correction is about: its own, or the previous answer's where no point says otherwise."""
    if correction.box is not None or correction.points or correction.previous is None:
        return correction.box
    box = correction.previous.box
    return None if box is None or any(_holds(box, point) for point in correction.not_points) else box


def pick(correction: Correction, boxes: Tensor, wanted: Tensor, width: int, height: int) -> int:
    """The candidate, of boxes (K, 4) in [0, 1] and logits (K,) of what the phrase wants, in an image of width x height px.

    A box takes the candidate that overlaps it most. Otherwise it is the one that the phrase wants most of those that hold
    all points and no `not_points`; where none holds the points, the one nearest to the first of them.
    """
    scale = torch.tensor([width, height, width, height], dtype=boxes.dtype, device=boxes.device)
    pixels = boxes * scale
    box = named_box(correction)
    if box is not None:
        return int(overlap(pixels[None], pixels.new_tensor([[box]]))[0, :, 0].argmax())
    ruled_out = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    for point in correction.not_points:
        ruled_out |= _apart(pixels, point) == 0
    if correction.points:
        holds = torch.stack([_apart(pixels, point) == 0 for point in correction.points]).all(0)
        if not (holds & ~ruled_out).any():
            return int((_apart(pixels, correction.points[0]) - RULED_OUT * ruled_out).argmin())
        ruled_out |= ~holds
    return int((wanted + RULED_OUT * ruled_out).argmax())


def _apart(boxes: Tensor, point: tuple[float, float]) -> Tensor:
    """How far a point lies from each box (K, 4), 0 within."""
    at = boxes.new_tensor(point)
    outside = torch.maximum(boxes[:, :2] - at, at - boxes[:, 2:]).clamp_min(0)
    return torch.hypot(outside[:, 0], outside[:, 1])


def _holds(box: tuple[float, float, float, float], point: tuple[float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]
