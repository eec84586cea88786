"""Images with their phrases on the way to the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rs2sam2.tokenizer import Tokenizer
from rs2sam2.train.batch import Tensors


@dataclass(frozen=True)
class Item:
    """One image with P phrases about it."""

    image: Tensor
    """(3, S, S) float32, normalised"""
    image_beit3: Tensor | None
    """(3, s, s) float32, normalised; None where BEiT-3 shares the trunk's map"""
    phrases: list[str]
    masks: Tensor
    """(P, S, S) bool"""
    targets: list[bool]
    """Whether each phrase has a target."""


@dataclass(frozen=True)
class Batch(Tensors):
    """I images with B phrases."""

    image: Tensor
    """(I, 3, S, S)"""
    image_beit3: Tensor | None
    """(I, 3, s, s)"""
    token_ids: Tensor
    """(B, L) int64"""
    text_padding: Tensor
    """(B, L) bool, True = ignore"""
    image_index: Tensor
    """(B,) int64: which image each phrase is about"""
    masks: Tensor
    """(B, S, S) bool"""
    targets: Tensor
    """(B,) bool"""


def collate(items: Sequence[Item], tokenizer: Tokenizer) -> Batch:
    """Items -> a batch, in order."""
    token_ids, padding = tokenizer.batch([phrase for item in items for phrase in item.phrases])
    beit3 = [item.image_beit3 for item in items if item.image_beit3 is not None]
    return Batch(
        image=torch.stack([item.image for item in items]),
        image_beit3=torch.stack(beit3) if beit3 else None,
        token_ids=token_ids,
        text_padding=padding,
        image_index=torch.tensor([i for i, item in enumerate(items) for _ in item.phrases]),
        masks=torch.cat([item.masks for item in items]),
        targets=torch.tensor([target for item in items for target in item.targets]),
    )
