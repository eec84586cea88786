"""What a view should make the model say: arrays from a view, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rs2sam2.data.language.lexicon import KINDS_OF, canonical
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.tokenizer import Tokenizer
from rs2sam2.train.batch import Tensors
from rs2sam2.train.objects.exclusive import EXCLUDED
from rs2sam2.train.objects.phrases import Asked
from rs2sam2.train.objects.views import View

WHOLE_ENOUGH = 0.3
"""An object of which less is visible is neither asked for as a centre nor denied."""
MOSTLY = 200
"""Of 255: a cell of which so much is of one class is not of the classes that this one excludes."""
Array = NDArray[Any]


@dataclass(frozen=True)
class Item:
    """A view as arrays."""

    image: Array  # (S, S, 3) uint8
    centres: Array  # (things, S/8, S/8) uint8, 255 at a centre
    centres_known: Array  # (things, S/8, S/8) bool
    box_weight: Array  # (S/8, S/8) float32
    box_target: Array  # (4, S/8, S/8) float32
    classes: Array  # (classes, S/8, S/8) uint8
    classes_known: Array  # (classes, S/8, S/8) bool
    boxes: Array  # (N, 4) float32 in [0, 1]
    masks: Array  # (N, S/4, S/4) uint8
    has_mask: Array  # (N,) bool
    asked: list[Asked]
    object_lots: Array  # (N,) float32 in [0, 1), see `losses.py`
    phrase_lots: Array  # (P, 2) float32 in [0, 1)


def item_of(view: View, asked: list[Asked], config: ObjectFirstConfig, random: Random) -> Item:
    """The arrays of a view and the phrases about it, and lots for what the losses choose.

    Lots are drawn here, so that losses depend on the item alone and not on which process computes them.
    """
    side = config.image_size // 8
    things, classes = len(config.things), len(config.classes)
    number = config.numbers
    scale = np.array([view.layout.width, view.layout.height] * 2)
    objects = view.layout.objects
    boxes = np.array([o.box for o in objects], np.float32).reshape(-1, 4) / scale.astype(np.float32)
    known = np.zeros(classes, bool)
    known[[number[name] for name in view.known if name in number]] = True
    centres = np.zeros((things, side, side), np.float32)
    centres_known = np.broadcast_to(known[:things, None, None], centres.shape).copy()
    ground = np.zeros((classes, side, side), np.uint8)
    ground_known = np.broadcast_to(known[:, None, None], ground.shape).copy()
    best = np.zeros((side, side), np.float32)
    box_target = np.zeros((4, side, side), np.float32)
    axis = (np.arange(side, dtype=np.float32) + 0.5) / side
    order = sorted(range(len(objects)), key=lambda i: -objects[i].box_area)  # the smaller one has the cell
    for i in order:
        o, box = objects[i], boxes[i]
        name = canonical(o.category)
        channels = [number[n] for n in (name, *(g for g, kinds in KINDS_OF.items() if name in kinds)) if n in number]
        x0, y0 = np.floor(box[:2] * side).astype(int)
        x1, y1 = np.maximum(np.ceil(box[2:] * side).astype(int), (x0 + 1, y0 + 1))
        mask = view.masks[i]
        if mask is None:
            ground_known[channels, y0:y1, x0:x1] = False
        else:
            wide = mask.astype(np.uint16)
            cells = ((wide[::2, ::2] + wide[::2, 1::2] + wide[1::2, ::2] + wide[1::2, 1::2]) // 4).astype(np.uint8)
            ground[channels] = np.maximum(ground[channels], cells)
            denied = [number[n] for n in EXCLUDED.get(name, ()) if n in number]
            ground_known[denied] |= cells > MOSTLY
        spots = [c for c in channels if c < things]
        if not spots:
            continue
        if o.visible < WHOLE_ENOUGH:
            for c in spots:
                centres_known[c, y0:y1, x0:x1] = False
            continue
        cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        sx, sy = (max(0.6 / side, float(box[2 + k] - box[k]) / 7) for k in (0, 1))
        bump = np.exp(-0.5 * ((axis[:, None] - cy) / sy) ** 2 - 0.5 * ((axis[None, :] - cx) / sx) ** 2)
        row, column = min(int(cy * side), side - 1), min(int(cx * side), side - 1)
        bump[row, column] = 1
        for c in spots:
            np.maximum(centres[c], bump, out=centres[c])
        mine = (bump > 0.1) & (bump >= best * 0.8)
        best = np.where(mine, bump, best)
        box_target[:, mine] = box[:, None]
    masks = [np.zeros((2 * side, 2 * side), np.uint8) if m is None else m for m in view.masks]
    return Item(
        image=view.image,
        centres=(centres * 255).astype(np.uint8),
        centres_known=centres_known,
        box_weight=best,
        box_target=box_target,
        classes=ground,
        classes_known=ground_known,
        boxes=boxes,
        masks=np.stack(masks) if masks else np.zeros((0, 2 * side, 2 * side), np.uint8),
        has_mask=np.array([m is not None for m in view.masks], bool),
        asked=asked,
        object_lots=np.array([random.random() for _ in objects], np.float32),
        phrase_lots=np.array([(random.random(), random.random()) for _ in asked], np.float32).reshape(-1, 2),
    )


@dataclass(frozen=True)
class Batch(Tensors):
    """B views with P phrases and N objects in all."""

    image: Tensor  # (B, S, S, 3) uint8
    centres: Tensor
    centres_known: Tensor
    box_weight: Tensor
    box_target: Tensor
    classes: Tensor
    classes_known: Tensor
    boxes: Tensor  # (N, 4)
    object_image: Tensor  # (N,) which view
    masks: Tensor  # (N, S/4, S/4) uint8
    has_mask: Tensor  # (N,)
    object_lots: Tensor  # (N,)
    token_ids: Tensor  # (P, L)
    text_padding: Tensor  # (P, L), True = ignore
    image_index: Tensor  # (P,) which view
    meant: Tensor  # (P, N) bool
    present: Tensor  # (P,) bool: whether anything is meant
    form: Tensor  # (P,)
    phrase_lots: Tensor  # (P, 2)


def collate(items: Sequence[Item], tokenizer: Tokenizer) -> Batch:
    """A batch of views."""

    def stack(name: str) -> Tensor:
        return torch.from_numpy(np.stack([getattr(item, name) for item in items]))

    def joined(name: str) -> Tensor:
        return torch.from_numpy(np.concatenate([getattr(item, name) for item in items]))

    counts = [len(item.boxes) for item in items]
    starts = np.cumsum([0, *counts])
    asked = [(b, a) for b, item in enumerate(items) for a in item.asked]
    meant = torch.zeros(len(asked), int(starts[-1]), dtype=torch.bool)
    for p, (b, a) in enumerate(asked):
        meant[p, [int(starts[b]) + t for t in a.targets]] = True
    token_ids, text_padding = tokenizer.batch([a.phrase for _, a in asked])
    return Batch(
        **{
            name: stack(name)
            for name in ("image", "centres", "centres_known", "box_weight", "box_target", "classes", "classes_known")
        },
        boxes=joined("boxes"),
        object_image=torch.tensor([b for b, count in enumerate(counts) for _ in range(count)], dtype=torch.int64),
        masks=joined("masks"),
        has_mask=joined("has_mask"),
        object_lots=joined("object_lots"),
        token_ids=token_ids,
        text_padding=text_padding,
        image_index=torch.tensor([b for b, _ in asked], dtype=torch.int64),
        meant=meant,
        present=torch.tensor([a.there for _, a in asked], dtype=torch.bool),
        form=torch.tensor([a.form for _, a in asked], dtype=torch.int64),
        phrase_lots=joined("phrase_lots"),
    )
