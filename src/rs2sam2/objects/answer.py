"""From a reading to one mask per phrase, and a closer look at things that are small in the image."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from rs2sam2.data.components import components
from rs2sam2.objects.candidates import Candidates, overlap
from rs2sam2.objects.model import ObjectFirst
from rs2sam2.objects.pyramid import ImageFeatures
from rs2sam2.objects.reader import FORMS, Reading

EMPTY = -12.0
"""Logit where nothing was outlined."""
MEMBER = 0.0
"""Candidates whose membership logit is above belong to a group."""
DOUBT = 0.5
"""Power of a candidate's score in its probability of being chosen: the reader knows the score, but trusts it too little."""
SPECK = 0.1
"""Pieces of an object's mask, and holes in it, of less than this share of its largest piece are no part of its shape."""
DUPLICATE = 0.6
"""Boxes that overlap so much are one thing."""


def choice(reading: Reading, candidates: Candidates, image_index: Tensor) -> Tensor:
    """(P, K) logits over the candidates: which one is meant, and is something at all."""
    return reading.choice + DOUBT * candidates.score[image_index].clamp_min(1e-3).log()


def members(reading: Reading, candidates: Candidates, image_index: Tensor) -> list[list[int]]:
    """The candidates each phrase means: one, several, or none where it asks for ground. The best one comes first."""
    form = reading.form.argmax(1)
    best = choice(reading, candidates, image_index).argmax(1)
    found: list[list[int]] = []
    for p in range(len(form)):
        name = FORMS[int(form[p])]
        if name == "ground":
            found.append([])
            continue
        chosen = [int(best[p])]
        if name == "several":
            boxes = candidates.boxes[image_index[p]]
            order = reading.membership[p].argsort(descending=True)
            chosen = []
            for i in order[reading.membership[p][order] > MEMBER].tolist():
                if not chosen or float(overlap(boxes[None, [i]], boxes[None, chosen]).max()) < DUPLICATE:
                    chosen.append(i)
            chosen = chosen or [int(best[p])]
        found.append(chosen)
    return found


def outline(
    model: ObjectFirst,
    features: ImageFeatures,
    candidates: Candidates,
    tokens: Tensor,
    reading: Reading,
    image_index: Tensor,
    chosen: list[list[int]],
) -> Tensor:
    """Mask logits (P, S/4, S/4) of the objects that were chosen; the highest of several, EMPTY where there are none."""
    height, width = features.object_features.shape[2:]
    out = torch.full((len(chosen), height, width), EMPTY, dtype=tokens.dtype, device=tokens.device)
    phrase = torch.tensor([p for p, c in enumerate(chosen) for _ in c], dtype=torch.int64, device=tokens.device)
    if len(phrase):
        which = torch.tensor([i for c in chosen for i in c], dtype=torch.int64, device=tokens.device)
        image = image_index[phrase]
        logits = model.outline.of_objects(
            features.object_features, image, candidates.boxes[image, which], tokens[image, which],
            reading.objects[phrase, which],
        )  # fmt: skip
        for p in phrase.unique().tolist():
            out[p] = logits[phrase == p].amax(0)
    return out


def enlarge(logits: Tensor, size: int) -> Tensor:
    """(P, h, w) -> (P, size, size), bilinear."""
    return F.interpolate(logits[:, None], (size, size), mode="bilinear", align_corners=False)[:, 0]


def tidied(logits: Tensor) -> Tensor:
    """Mask logits (h, w) of one object, on the CPU, with specks taken out and small holes closed, by turning their sign.

    Where a mask is sure of itself there are none: they come with large things whose outline training knows roughly.
    """
    mask = (logits > 0).numpy()
    pieces = list(components(mask))
    if not pieces:
        return logits
    least = SPECK * max(piece.area for piece in pieces)
    wrong = np.zeros_like(mask)
    for piece in pieces:
        if piece.area < least:
            piece.add_to(wrong)
    for hole in components(~(mask & ~wrong)):
        (height, width), (all_rows, all_columns) = hole.mask.shape, mask.shape
        inside = 0 < hole.top < all_rows - height and 0 < hole.left < all_columns - width
        if inside and hole.area < least:
            filled = np.zeros_like(mask)
            hole.add_to(filled)
            wrong ^= filled  # a speck within a hole is part of the mask again
    return torch.where(torch.from_numpy(wrong), -logits, logits)
