"""Losses of what stands beside the mask: the coarse mask prompt, presence, the predicted IoU."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from rs2sam2.losses.masks import focal_loss, sample_dice

FOCAL_WEIGHT = 20.0  # of the focal loss beside Dice, as SAM is trained (A. Kirillov et al., ICCV 2023)


def mask_prompt_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Deep supervision of the coarse map: logits (B, 1, g, g) against targets (B, H, W) in [0, 1]; returns (B,).

    A cell is foreground where any pixel of it is: the map says where to look, and a small thing must not vanish.
    """
    coarse = F.adaptive_max_pool2d(target[:, None], logits.shape[2:])[:, 0]
    return FOCAL_WEIGHT * focal_loss(logits[:, 0], coarse) + sample_dice(logits[:, 0], coarse)


def presence_loss(object_score: Tensor, present: Tensor) -> Tensor:
    """Cross-entropy of SAM2's object score (B,), a logit, against whether the phrase has a target (B,); returns (B,)."""
    return F.binary_cross_entropy_with_logits(object_score, present.to(object_score), reduction="none")


def iou_loss(predicted: Tensor, z: Tensor, t: Tensor) -> Tensor:
    """Squared error of the predicted IoU (B,) in [0, 1] against that of the mask z > 0 (B, H, W); returns (B,).

    The mask gets no gradient: it shall not become worse to be predictable.
    """
    mask, truth = z.detach() > 0, t > 0.5
    union = (mask | truth).sum((1, 2)).clamp(min=1)
    return (predicted - (mask & truth).sum((1, 2)) / union).square()
