"""Upper bounds that need nothing from the model but its logits: where quality is lost.

    best threshold     IoU where the cut between mask and ground were chosen for each sample by the truth
    mask resolution    IoU of the truth itself, drawn on the model's grid of logits and enlarged again

A segmenter adds its own with `diagnose` (`rs2sam2.evaluate.ask.Diagnosing`).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from rs2sam2.metrics import intersection_union
from rs2sam2.predictor import Prediction

STEPS = (-4.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 4.0)
"""Thresholds tried, as log-odds of the foreground."""


def generic(logits: Tensor, prediction: Prediction, truth: NDArray[np.bool_]) -> dict[str, float]:
    """The two bounds, at native size, of square logits (h, w) and a truth (H, W) that is not empty."""
    decision = prediction.decision
    cuts = [decision.threshold + step / decision.steepness for step in STEPS]
    best = max(_iou(prediction.logits > cut, truth) for cut in cuts)
    grid = F.interpolate(torch.from_numpy(truth)[None, None].float(), tuple(logits.shape), mode="area")
    drawn = F.interpolate(grid, truth.shape, mode="bilinear", align_corners=False)[0, 0] > 0.5
    return {"best threshold": best, "mask resolution": _iou(drawn.numpy(), truth)}


def _iou(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    both, either = intersection_union(mask, truth)
    return both / either if either else 0.0
