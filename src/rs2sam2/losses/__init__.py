"""Losses: those of the released training scripts (`released`), and better ones, each apart (`masks`, `heads`)."""

from __future__ import annotations

from rs2sam2.losses.heads import iou_loss, mask_prompt_loss, presence_loss
from rs2sam2.losses.masks import focal_loss, sample_cross_entropy, sample_dice, soft_boundary_loss
from rs2sam2.losses.released import ReleasedLosses, boundary_map, dice_loss, released_boundary_loss, released_losses

__all__ = [
    "ReleasedLosses",
    "boundary_map",
    "dice_loss",
    "focal_loss",
    "iou_loss",
    "mask_prompt_loss",
    "presence_loss",
    "released_boundary_loss",
    "released_losses",
    "sample_cross_entropy",
    "sample_dice",
    "soft_boundary_loss",
]
