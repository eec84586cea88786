"""Masks on pictures: colours told apart by everybody, tints and outlines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Color = tuple[int, int, int]

# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), brightest first.
YELLOW: Color = (240, 228, 66)
SKY_BLUE: Color = (86, 180, 233)
ORANGE: Color = (230, 159, 0)
COLORS: tuple[Color, ...] = (YELLOW, SKY_BLUE, ORANGE, (0, 158, 115), (204, 121, 167), (213, 94, 0), (0, 114, 178))
FOUND, TRUTH = ORANGE, SKY_BLUE
"""What a model found and what is there: rare in overhead imagery."""


def tint(
    pixels: NDArray[np.float32], mask: NDArray[np.bool_], color: Color, opacity: float = 0.5
) -> NDArray[np.float32]:
    """Pixels (H, W, 3) of 0 to 255 with the mask (H, W) in a colour that lets them shine through."""
    tinted = (1 - opacity) * pixels + opacity * np.array(color, np.float32)
    return np.where(mask[..., None], tinted, pixels).astype(np.float32)


def inner_edge(mask: NDArray[np.bool_], width: int = 1) -> NDArray[np.bool_]:
    """Pixels of the mask within `width` of its edge, the frame's edge among it."""
    inner = mask
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = padded[1:-1, 1:-1] & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def outer_edge(mask: NDArray[np.bool_], width: int = 1) -> NDArray[np.bool_]:
    """Pixels outside of the mask within `width` of it."""
    grown = mask
    for _ in range(width):
        padded = np.pad(grown, 1)
        grown = padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return grown & ~mask


def shrink(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask (H, W) at another size (width, height), where a ship of three pixels must not vanish."""
    ink = np.asarray(Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BOX))
    return ink > 0.25 if (ink > 0.25).any() else ink > 0
