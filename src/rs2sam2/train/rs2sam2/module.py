"""A batch in, its losses out: the model with what judges it, as one module that can be wrapped."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.losses import (
    dice_loss,
    focal_loss,
    iou_loss,
    mask_prompt_loss,
    presence_loss,
    released_boundary_loss,
    sample_cross_entropy,
    sample_dice,
    soft_boundary_loss,
)
from rs2sam2.losses.released import CLASS_WEIGHTS
from rs2sam2.model.rs2sam2 import RS2SAM2, RS2SAM2Output
from rs2sam2.train.rs2sam2.batch import Batch
from rs2sam2.train.rs2sam2.options import Losses

LOGITS_STRIDE = 4


@dataclass(frozen=True)
class Judged:
    """The rows that teach the mask: R of the batch's B phrases."""

    rows: Tensor  # (R,) int64
    logits: Tensor  # (R, H, W), mask logits p
    z: Tensor  # (R, H, W), decision logits: foreground probability sigmoid(z)
    target: Tensor  # (R, H, W) in [0, 1]
    text_weight: Tensor | None  # (R,)


class TrainedModel(nn.Module):
    """RS2-SAM2 and its losses."""

    def __init__(self, model: RS2SAM2, losses: Losses) -> None:
        super().__init__()
        self.model = model
        self.losses = losses

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The losses by name, scalars; `loss_total` is their weighted sum."""
        dtype = next(self.model.trunk.parameters()).dtype  # type: ignore[attr-defined]
        output = self.model(
            batch.image.to(dtype),
            None if batch.image_beit3 is None else batch.image_beit3.to(dtype),
            batch.token_ids,
            batch.text_padding,
            image_index=batch.image_index,
        )
        with torch.autocast(batch.image.device.type, enabled=False):  # losses are summed in float32
            return self._losses(output, batch)

    def _losses(self, output: RS2SAM2Output, batch: Batch) -> dict[str, Tensor]:
        weights = self.losses
        judged = self._judged(output, batch)
        out: dict[str, Tensor] = {}
        if weights.ce:
            out["loss_ce"] = self._cross_entropy(judged)
        if weights.dice:
            out["loss_dice"] = self._dice(judged)
        if weights.focal:
            out["loss_focal"] = _mean(focal_loss(judged.z, judged.target))
        if weights.boundary:
            out["loss_boundary"] = self._boundary(judged)
        if weights.mask_prompt and output.mask_prompt_logits is not None:
            coarse = output.mask_prompt_logits.float()[judged.rows]
            out["loss_mask_prompt"] = _mean(mask_prompt_loss(coarse, judged.target))
        if weights.presence:
            # a phrase whose annotation is broken has a target, but nobody can see where
            known = (batch.targets == batch.masks.any(2).any(1)).float()
            each = presence_loss(output.object_score.float(), batch.targets)
            out["loss_presence"] = (each * known).sum() / known.sum().clamp(min=1)
        if weights.iou:
            out["loss_iou"] = _mean(iou_loss(output.iou_score.float()[judged.rows], judged.z, judged.target))
        total = sum(getattr(weights, name.removeprefix("loss_")) * value for name, value in out.items())
        assert isinstance(total, Tensor)
        # The logits take part even where no row teaches the mask: every process then has the same gradients to share.
        return {**out, "loss_total": total + 0 * output.mask_logits.float().sum()}

    def _judged(self, output: RS2SAM2Output, batch: Batch) -> Judged:
        logits, target = output.mask_logits.float(), batch.masks
        taught = target.any(2).any(1) if self.losses.targets_only else target.new_ones(len(target))
        rows = taught.nonzero()[:, 0]
        logits, goal = logits[rows], target[rows].float()
        if self.losses.resolution == "image":
            logits = F.interpolate(logits, goal.shape[1:], mode="bilinear", align_corners=False)
        else:
            goal = F.avg_pool2d(goal[:, None], LOGITS_STRIDE)[:, 0]
        decision = self.model.config.processor
        text_weight = None if output.text_weight is None else output.text_weight.float()[rows]
        p = logits[:, 0]
        return Judged(rows, p, decision.steepness * (p - decision.threshold), goal, text_weight)

    def _cross_entropy(self, judged: Judged) -> Tensor:
        if self.losses.per_sample:
            return _mean(sample_cross_entropy(judged.z, judged.target))
        scores = self._scores(judged)
        if not len(scores):
            return scores.sum()
        return F.cross_entropy(scores, judged.target.long(), weight=scores.new_tensor(CLASS_WEIGHTS))

    def _dice(self, judged: Judged) -> Tensor:
        if self.losses.per_sample:
            return _mean(sample_dice(judged.z, judged.target))
        return dice_loss(self._scores(judged), judged.target.long())

    def _scores(self, judged: Judged) -> Tensor:
        """(R, 2, H, W): scores of background and foreground, equal where the mask is cut."""
        if self.model.config.processor.decision == "logit":
            return torch.stack([-judged.z / 2, judged.z / 2], dim=1)
        return torch.stack([1 - judged.logits, judged.logits], dim=1)

    def _boundary(self, judged: Judged) -> Tensor:
        if self.losses.boundary_kind == "soft":
            return _mean(soft_boundary_loss(judged.z, judged.target, judged.text_weight))
        if not len(judged.rows):
            return judged.logits.sum()
        weight = judged.logits.new_ones(len(judged.rows)) if judged.text_weight is None else judged.text_weight
        return released_boundary_loss(judged.logits, judged.target.long(), weight)


def _mean(values: Tensor) -> Tensor:
    """Mean over samples; 0 (with a gradient of 0) where there is none."""
    return values.sum() / max(len(values), 1)
