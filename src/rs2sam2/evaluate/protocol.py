"""Where a mask is compared with the truth: on the released system's 1024 square, at the image's own size, on a 480 square.

    released   logits enlarged to 1024 x 1024, truth squashed NEAREST (how the published RS2-SAM2 scores were made)
    native     logits and truth at the size of the image file: what a user of the masks sees
    480        as released, at 480 x 480 (the input size of earlier methods)

A finished mask (`rs2sam2 score`) has no logits left: it is stretched NEAREST like the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rs2sam2.errors import UsageError
from rs2sam2.processor import at_size

Size = tuple[int, int]
"""(height, width)"""


@dataclass(frozen=True)
class Protocol:
    """One way of comparing; `side` of the square in pixels, None for the image's own size."""

    name: str
    title: str
    side: int | None

    def size(self, native: Size) -> Size:
        """(height, width) at which masks of an image of size `native` are compared."""
        return native if self.side is None else (self.side, self.side)


PROTOCOLS = {
    p.name: p
    for p in (
        Protocol("native", "native size", None),
        Protocol("released", "1024 square (released)", 1024),
        Protocol("480", "480 square", 480),
    )
}


def protocols_of(name: str) -> tuple[Protocol, ...]:
    """The protocol of that name, or all for "all"; the first is the one that breakdowns use. UsageError otherwise."""
    if name == "all":
        return tuple(PROTOCOLS.values())
    if name not in PROTOCOLS:
        raise UsageError(f"no protocol {name!r}; choose {', '.join(PROTOCOLS)} or all")
    return (PROTOCOLS[name],)


def decide(mask_logits: Tensor, size: Size, threshold: float) -> Tensor:
    """Square logits (B, 1, h, w) -> bool masks (B, H, W) at `size`: bilinear, then above the threshold."""
    return at_size(mask_logits, size) > threshold


def overlaps_of(masks: Tensor, truths: Tensor) -> list[tuple[int, int]]:
    """(intersection, union) in pixels of each of B pairs of bool masks (B, H, W)."""
    flat, true = masks.flatten(1), truths.flatten(1)
    both = (flat & true).sum(1)
    either = flat.sum(1) + true.sum(1) - both
    return list(zip(both.tolist(), either.tolist(), strict=True))


def names(protocols: Sequence[Protocol]) -> list[str]:
    """Their names, in order."""
    return [p.name for p in protocols]


def stack(truths: Sequence[object]) -> Tensor:
    """NumPy bool masks of one size -> (B, H, W)."""
    return torch.stack([torch.from_numpy(t) for t in truths])
