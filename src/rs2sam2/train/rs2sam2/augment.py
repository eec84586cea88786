"""Augmentation of one image with several phrases: what happens to the image must leave each phrase kept true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs2sam2.data.augmentation import (
    CROP_TRIES,
    Augmentation,
    Augmented,
    Pixels,
    black_boxes,
    crop,
    degrade,
    jitter_colour,
    names_colour,
    random_symmetry,
    random_window,
    turn,
)
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.program import Program
from rs2sam2.data.masks import Mask


@dataclass(frozen=True)
class Referred:
    """A phrase about an image: its mask (H, W), empty where nothing answers it, and its meaning where that is known."""

    phrase: str
    mask: Mask
    id: str
    target: bool
    """Whether the phrase has a target (the mask of one that was annotated badly may be empty)."""
    program: Program | None = None


def augment_together(
    image: Pixels,
    referred: Sequence[Referred],
    rng: np.random.Generator,
    config: Augmentation,
    *,
    key: str,
    layout: Layout | None = None,
) -> tuple[Pixels, list[Referred]]:
    """Image (H, W, 3) and its phrases augmented; those that cannot stay true are dropped, but never all of them.

    For a single phrase this is what `rs2sam2.data.augmentation.augment` does.
    """
    items = list(referred)
    if layout is not None and rng.random() < config.crop:
        image, items = _crop(image, items, rng, config, layout)
    symmetry = random_symmetry(rng, config, image.shape[0] == image.shape[1])
    turned = [
        (
            item,
            turn(
                Augmented(image, item.mask, item.phrase), symmetry, item.program.rules if item.program else config.style
            ),
        )
        for item in items
    ]
    kept = [(item, done) for item, done in turned if done is not None]
    if kept:
        image = kept[0][1].image
        items = [replace(item, mask=done.mask, phrase=done.phrase) for item, done in kept]
    image = np.ascontiguousarray(image)
    if rng.random() < config.colour and not any(names_colour(item.phrase) for item in items):
        image = jitter_colour(image, rng, config)
    if config.blur or config.low_pass or config.noise or config.jpeg:
        image = degrade(image, rng, config)
    if config.boxes:
        image = black_boxes(image, key, config)
    return image, items


def _crop(
    image: Pixels, items: list[Referred], rng: np.random.Generator, config: Augmentation, layout: Layout
) -> tuple[Pixels, list[Referred]]:
    """The window among a few random ones that keeps the most phrases true."""
    best: list[tuple[Referred, Augmented]] = []
    for _ in range(CROP_TRIES):
        window = random_window(rng, config, layout)
        kept = []
        for item in items:
            if item.program is not None:
                done = crop(Augmented(image, item.mask, item.phrase), window, item.program, layout)
                if done is not None:
                    kept.append((item, done))
        if len(kept) > len(best):
            best = kept
        if len(best) == len(items):
            break
    if not best:
        return image, items
    return best[0][1].image, [replace(item, mask=done.mask) for item, done in best]
