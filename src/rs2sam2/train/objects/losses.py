"""What is asked of the object-first model, part by part. Sums are over what is known; means over phrases or objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from rs2sam2.objects.candidates import Candidates, overlap, peaks, propose
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.model import ObjectFirst, normalise
from rs2sam2.objects.pyramid import ImageFeatures
from rs2sam2.objects.reader import Reading
from rs2sam2.train.objects.layouts import LayoutBatch
from rs2sam2.train.objects.targets import Batch

SAME = 0.45
"""A candidate whose box overlaps an object's by this much is that object."""
FREE_MASKS = 6
"""Objects of a view that are outlined without a phrase."""
WHOLE = 0.3
"""Share of the phrases about objects that are outlined as ground, too."""


def centre_loss(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Penalty-reduced focal loss of centre maps (X. Zhou et al., "Objects as points", 2019), per object."""
    target = target.float() / 255
    p = logits.sigmoid()
    peak = target > 0.99
    hit = F.softplus(-logits) * (1 - p) ** 2
    miss = F.softplus(logits) * p**2 * (1 - target) ** 4
    return (torch.where(peak, hit, miss) * known).sum() / (peak & known).sum().clamp_min(1)


def box_loss(boxes: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """1 - generalised IoU (Rezatofighi et al., CVPR 2019), weighted cell by cell; maps (B, 4, h, w) and (B, h, w)."""
    chosen = weight > 0.1
    a, b = boxes.permute(0, 2, 3, 1)[chosen], target.permute(0, 2, 3, 1)[chosen]
    w = weight[chosen]
    return ((1 - _giou(a, b)) * w).sum() / w.sum().clamp_min(1)


def _giou(a: Tensor, b: Tensor) -> Tensor:
    """Of boxes (N, 4) with as many others: (N,)."""
    common = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp_min(0).prod(1)
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - common
    return common / union.clamp_min(1e-7) - (hull - union) / hull.clamp_min(1e-7)


def refine_loss(refined: Sequence[Tensor], cells: Tensor, batch: Batch) -> Tensor:
    """1 - generalised IoU of the boxes (B, K, 4) after each step with the object that the cell (B, K) belongs to."""
    weight = batch.box_weight.flatten(1).gather(1, cells)
    mine = weight > 0.1
    true = batch.box_target.flatten(2).gather(2, cells[:, None].expand(-1, 4, -1)).transpose(1, 2)[mine]
    losses = torch.stack([1 - _giou(boxes[mine], true) for boxes in refined])
    return (losses.mean(0) * weight[mine]).sum() / weight[mine].sum().clamp_min(1)


def class_loss(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy of each class in each cell, positives four times; a class counts where it is annotated."""
    target = target.float() / 255
    loss = F.softplus(logits) - target * logits + 3 * target * F.softplus(-logits)
    return (loss * known).sum() / known.sum().clamp_min(1) * 10


def mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy near the target plus dice, a mean over masks. Logits and target (N, h, w), target in [0, 1]."""
    if not len(logits):
        return logits.sum()
    near = F.max_pool2d(target[:, None], 9, stride=1, padding=4)[:, 0] > 0
    p = logits.sigmoid()
    near = (near | (p > 0.3)).float()
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    bce = (bce * near).sum((1, 2)) / near.sum((1, 2)).clamp_min(1)
    dice = 1 - (2 * (p * target).sum((1, 2)) + 1) / (p.sum((1, 2)) + target.sum((1, 2)) + 1)
    return (bce + dice).mean()


def training_cells(features: ImageFeatures, batch: Batch, config: ObjectFirstConfig) -> Tensor:
    """The model's own best cells, the last of them replaced by the centres of true objects that are not among them."""
    cells = peaks(features.centres, config.candidates)
    side = features.centres.shape[2]
    centre = ((batch.boxes[:, :2] + batch.boxes[:, 2:]) / 2 * side).long().clamp(0, side - 1)
    true = centre[:, 1] * side + centre[:, 0]
    first = batch.meant.any(0).long().argsort(descending=True, stable=True)  # those that are asked for
    # image by image among few numbers: done here, a GPU would be waited for several times an image
    owner, wanted = batch.object_image.tolist(), true.tolist()
    own = [set(row) for row in cells.tolist()]
    missing: list[dict[int, None]] = [{} for _ in own]
    for n in first.tolist():
        if wanted[n] not in own[owner[n]]:
            missing[owner[n]][wanted[n]] = None
    rows = [list(row)[: config.candidates // 2] for row in missing]
    at = [(b, config.candidates - len(row) + i, cell) for b, row in enumerate(rows) for i, cell in enumerate(row)]
    if at:
        image, place, cell = torch.tensor(at, device=cells.device).unbind(1)
        cells[image, place] = cell
    return cells


def match(candidates: Candidates, batch: Batch, side: int) -> Tensor:
    """For each object, how well each candidate of its image fits it: (N, K); 0 where it is another thing."""
    fit = overlap(candidates.boxes[batch.object_image], batch.boxes[:, None])[:, :, 0]
    centre = ((batch.boxes[:, :2] + batch.boxes[:, 2:]) / 2 * side).long().clamp(0, side - 1)
    assert candidates.cells is not None
    same = candidates.cells[batch.object_image] == (centre[:, 1] * side + centre[:, 0])[:, None]
    fit = torch.where(same, fit.clamp_min(SAME + 0.05), fit)
    return fit * (fit >= SAME)


def reading_losses(reading: Reading, fits: Tensor, form: Tensor, present: Tensor) -> dict[str, Tensor]:
    """`fits` (P, K): the candidates that a phrase means, > 0; phrases of ground have none. P may be 0."""
    positive = fits > 0
    told = positive.any(1) & (form < 2)
    # takes every head along: with nothing to teach it, a parameter still has a gradient (of 0) for processes to share
    zero = 0 * (reading.choice.sum() + reading.membership.sum() + reading.form.sum() + reading.presence.sum())
    losses = dict.fromkeys(("choice", "membership", "form", "presence"), zero)
    if told.any():
        logp = reading.choice[told].log_softmax(1)
        losses["choice"] = -logp.masked_fill(~positive[told], -1e4).logsumexp(1).mean()
    # nobody is meant by a phrase that is not true; where the object meant was not proposed, nothing can be said
    sure = (told | ~present) & (form < 2)
    if sure.any():
        logits, target = reading.membership[sure], positive[sure].float()
        valid = logits > -1e3
        bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * valid
        losses["membership"] = (bce.sum(1) / (3 + target.sum(1))).mean()
    if len(form):
        losses["form"] = F.cross_entropy(reading.form, form)
        losses["presence"] = F.binary_cross_entropy_with_logits(reading.presence, present.float())
    return losses


def right_choices(reading: Reading, fits: Tensor, form: Tensor) -> Tensor:
    """Share of the phrases about one object whose first choice it is; 1 where there is no such phrase."""
    told = (fits > 0).any(1) & (form == 0)
    right = fits.gather(1, reading.choice.argmax(1, keepdim=True))[:, 0] > 0
    return 1 - (told & ~right).sum() / told.sum().clamp_min(1)


def view_losses(model: ObjectFirst, batch: Batch) -> dict[str, Tensor]:
    """All losses of a batch of views, by name, unweighted."""
    features = model.see(normalise(batch.image))
    out = {
        "centre": centre_loss(features.centres, batch.centres, batch.centres_known),
        "box": box_loss(features.boxes, batch.box_target, batch.box_weight),
        "classes": class_loss(features.classes, batch.classes, batch.classes_known),
    }
    proposed = propose(features, training_cells(features, batch, model.config))
    assert proposed.cells is not None
    refined = model.refine(proposed.boxes, features)
    out["refine"] = refine_loss(refined, proposed.cells, batch)
    candidates = replace(proposed, boxes=refined[-1].detach())
    reading, tokens = model.read(candidates, features, batch.token_ids, batch.text_padding, batch.image_index)
    fit = match(candidates, batch, features.centres.shape[2])  # (N, K)
    # (P, K): how well each candidate fits one of the objects meant
    fits = (batch.meant[:, :, None] * fit).amax(1) if len(fit) else torch.zeros_like(reading.choice)
    out |= reading_losses(reading, fits, batch.form, batch.present)
    return out | _mask_losses(model, batch, features, candidates, tokens, reading, fit)


def layout_losses(model: ObjectFirst, batch: LayoutBatch) -> dict[str, Tensor]:
    """Losses of phrases over layouts without an image, unweighted, and how often the right object is chosen."""
    reading, _ = model.read(batch.candidates(), None, batch.token_ids, batch.text_padding, batch.image_index)
    losses = reading_losses(reading, batch.fits, batch.form, batch.present)
    right = right_choices(reading, batch.fits, batch.form)
    return {f"layout_{name}": value for name, value in losses.items()} | {"layout_right": right}


def _mask_losses(
    model: ObjectFirst,
    batch: Batch,
    features: ImageFeatures,
    candidates: Candidates,
    tokens: Tensor,
    reading: Reading,
    fit: Tensor,
) -> dict[str, Tensor]:
    """Masks of objects that phrases mean, of any objects, and of ground. `fit` (N, K) as from `match`."""
    out = {}
    target = batch.masks.float() / 255
    best, where = fit.max(1)
    usable = batch.has_mask & (best > 0)
    # one of the objects each phrase means, by lot among those that can be scored, as the phrase sees it
    allowed = batch.meant & usable & (batch.form < 2)[:, None]
    lots = (batch.object_lots + batch.phrase_lots[:, :1]) % 1  # (P, N), as good as drawn for each phrase anew
    p = allowed.any(1).nonzero()[:, 0]
    n = lots.masked_fill(~allowed, -1)[p].argmax(1) if len(p) else p
    image = batch.object_image[n]
    logits = model.outline.of_objects(
        features.object_features, image, candidates.boxes[image, where[n]], tokens[image, where[n]],
        reading.objects[p, where[n]],
    )  # fmt: skip
    out["mask"] = mask_loss(logits, target[n])
    # about FREE_MASKS usable objects of each view, without a phrase
    counts = torch.zeros(len(batch.image), dtype=torch.int64, device=usable.device)
    counts = counts.index_add(0, batch.object_image, usable.long())
    share = (FREE_MASKS / counts.clamp_min(1)).clamp_max(1)[batch.object_image]
    n = (usable & (batch.object_lots >= 1 - share)).nonzero()[:, 0]
    image = batch.object_image[n]
    logits = model.outline.of_objects(
        features.object_features, image, candidates.boxes[image, where[n]], tokens[image, where[n]], None
    )
    out["free_mask"] = mask_loss(logits, target[n])
    # masks without objects: of all ground, and of some of what else is meant
    whole = batch.meant.any(1) & ~(batch.meant & ~batch.has_mask).any(1)
    p = (whole & ((batch.form == 2) | (batch.phrase_lots[:, 1] < WHOLE))).nonzero()[:, 0]
    # objects side by side cover the cell between them together
    union = (batch.meant[p].float() @ target.flatten(1)).clamp_max(1).unflatten(1, target.shape[1:])
    logits = model.outline.of_ground(features.pixel_features, features.classes, batch.image_index[p], reading.ground[p])
    out["ground"] = mask_loss(logits, union)
    return out
