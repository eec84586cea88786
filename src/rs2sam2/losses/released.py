"""The losses of the released training scripts: 0.9 CE + 0.1 Dice + 0.2 TBL (paper eq. 3-4, weights from the code).

All take mask logits already enlarged to the target's size. Classes are scored [1 - p, p] for a logit p.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

CLASS_WEIGHTS = (0.9, 1.1)  # background, foreground
DICE_SMOOTHING = 1e-6
TOTAL_WEIGHTS = (0.9, 0.1, 0.2)  # CE, Dice, TBL


@dataclass
class ReleasedLosses:
    """Scalars."""

    ce: Tensor
    dice: Tensor
    boundary: Tensor

    @property
    def total(self) -> Tensor:
        """0.9 CE + 0.1 Dice + 0.2 TBL."""
        ce, dice, boundary = TOTAL_WEIGHTS
        return ce * self.ce + dice * self.dice + boundary * self.boundary


def released_losses(logits: Tensor, target: Tensor, text_weight: Tensor) -> ReleasedLosses:
    """Logits (B, H, W), target (B, H, W) bool or 0/1, text_weight (B,)."""
    target = target.to(torch.int64)
    scores = torch.stack([1 - logits, logits], dim=1)
    return ReleasedLosses(
        ce=F.cross_entropy(scores, target, weight=scores.new_tensor(CLASS_WEIGHTS)),
        dice=dice_loss(scores, target),
        boundary=released_boundary_loss(logits, target, text_weight),
    )


def dice_loss(scores: Tensor, target: Tensor) -> Tensor:
    """1 - (2I + s) / (U + s) per class and sample, summed over both. Scores (B, 2, H, W), target (B, H, W) int64."""
    q = scores.softmax(dim=1)
    t = torch.stack([1 - target, target], dim=1).to(q)
    intersection = (q * t).sum((2, 3))
    union = q.sum((2, 3)) + t.sum((2, 3))
    return (1 - (2 * intersection + DICE_SMOOTHING) / (union + DICE_SMOOTHING)).sum()


def released_boundary_loss(logits: Tensor, target: Tensor, text_weight: Tensor) -> Tensor:
    """Mean of (w (grad(pred) - grad(target)))^2 with a hard prediction sigmoid(p) > 0.5, as released.

    The threshold lets no gradient reach the mask, so this trains the text weight alone (towards 0).
    """
    prediction = (logits.sigmoid() > 0.5).to(logits)
    difference = boundary_map(prediction) - boundary_map(target.to(logits))
    return (text_weight[:, None, None] * difference).square().mean()


def boundary_map(mask: Tensor) -> Tensor:
    """|d_h M| + |d_v M| of (B, H, W); the differences are 0 in the first row and column."""
    vertical = F.pad((mask[:, 1:] - mask[:, :-1]).abs(), (0, 0, 1, 0))
    horizontal = F.pad((mask[:, :, 1:] - mask[:, :, :-1]).abs(), (1, 0))
    return vertical + horizontal
