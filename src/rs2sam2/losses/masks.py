"""Mask losses with one value for each sample, so that a sample's weight never depends on its neighbours.

All take decision logits z (B, H, W), positive where the mask is (foreground probability sigmoid(z)), and targets t
(B, H, W) in [0, 1]: shares, where a target was made coarser. All return (B,).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from rs2sam2.losses.released import CLASS_WEIGHTS, boundary_map

DICE_SMOOTHING = 1.0  # pixels; an empty target and an empty mask agree
FOCAL_ALPHA = (0.25, 0.75)  # weights of background and foreground
FOCAL_GAMMA = 2.0  # T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017
TEXT_WEIGHT_RANGE = 2.0  # of the log weight: between exp(-2) and exp(2)


def sample_cross_entropy(z: Tensor, t: Tensor) -> Tensor:
    """Cross-entropy with the released class weights, its weighted mean taken within each sample."""
    background, foreground = CLASS_WEIGHTS
    weight = background * (1 - t) + foreground * t
    loss = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    return (weight * loss).sum((1, 2)) / weight.sum((1, 2))


def sample_dice(z: Tensor, t: Tensor) -> Tensor:
    """1 - (2I + 1) / (U + 1) of the foreground, I = sum(q t), U = sum(q) + sum(t) in pixels."""
    q = z.sigmoid()
    intersection, union = (q * t).sum((1, 2)), q.sum((1, 2)) + t.sum((1, 2))
    return 1 - (2 * intersection + DICE_SMOOTHING) / (union + DICE_SMOOTHING)


def focal_loss(z: Tensor, t: Tensor) -> Tensor:
    """Cross-entropy with what is right already (1 - p)^2 weaker, mean over pixels."""
    background, foreground = FOCAL_ALPHA
    p = z.sigmoid()
    right = p * t + (1 - p) * (1 - t)
    loss = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    return ((background + (foreground - background) * t) * (1 - right) ** FOCAL_GAMMA * loss).mean((1, 2))


def soft_boundary_loss(z: Tensor, t: Tensor, text_weight: Tensor | None) -> Tensor:
    """The text-guided boundary loss (paper eq. 4) with a gradient for the mask and a weight that cannot collapse.

    L = sum (grad(q) - grad(t))^2 / (1 + sum grad(t)^2), grad as in the released loss but of the probability q, and
    relative to the length of the boundary, so that large objects do not outweigh small ones. The weight is

        w L - log w,   log w = 2 tanh(s / 2) for the raw text weight s (B,),

    the form for a task of unknown noise (A. Kendall et al., "Multi-task learning using uncertainty", CVPR 2018): at
    fixed L it is least at w = 1 / L, so phrases whose boundary can be found weigh more, and none weighs 0. Without a
    text weight w is 1.
    """
    truth = boundary_map(t)
    loss = (boundary_map(z.sigmoid()) - truth).square().sum((1, 2)) / (1 + truth.square().sum((1, 2)))
    if text_weight is None:
        return loss
    log_weight = TEXT_WEIGHT_RANGE * torch.tanh(text_weight / TEXT_WEIGHT_RANGE)
    return log_weight.exp() * loss - log_weight
