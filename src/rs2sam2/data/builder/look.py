"""What an object looks like in the pixels: its colour, where it has one, and its enclosing rectangle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Hue in degrees, with gaps between the names: a pixel in a gap has no colour name.
_HUES = {
    "yellow": (46, 66), "green": (80, 165), "cyan": (172, 194), "blue": (205, 255), "purple": (268, 300),
    "pink": (312, 340),
}  # fmt: skip


def color_shares(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """The share of pixels (N, 3), uint8 RGB, that has each colour name beyond doubt; shares below 5 % are left out.

    Black, gray and white are told apart by value with gaps, colours by hue where saturation leaves no doubt. The shares
    need not add up to 1: pixels in a gap belong to no name.
    """
    if not len(pixels):
        return {}
    r, g, b = pixels.T.astype(np.float32) / 255
    high, low = np.maximum(np.maximum(r, g), b), np.minimum(np.minimum(r, g), b)
    spread = high - low
    saturation = spread / np.maximum(high, 1e-6)
    safe = np.maximum(spread, 1e-6)
    hue = np.where(high == r, (g - b) / safe % 6, np.where(high == g, (b - r) / safe + 2, (r - g) / safe + 4)) * 60
    # dark green is no black: the darker, the more of a cast it may have
    black = (high < 0.1) | ((high < 0.2) & (saturation < 0.4)) | ((high < 0.28) & (saturation < 0.2))
    plain = ~black & (saturation < 0.14)
    colored = ~black & (saturation > 0.25) & (high > 0.25)
    reddish = colored & (hue >= 20) & (hue <= 40)
    masks = {
        "black": black,
        "gray": plain & (high > 0.33) & (high < 0.68),
        "white": ~black & (high > 0.78) & (saturation < 0.18),
        "red": colored & ((hue < 13) | (hue > 347)) & (saturation > 0.35),
        "orange": reddish & (high > 0.75) & (saturation > 0.5),
        "brown": colored & (hue >= 15) & (hue <= 40) & (high < 0.62),
    }
    for name, (start, end) in _HUES.items():
        masks[name] = colored & (hue >= start) & (hue <= end)
    shares = {name: np.count_nonzero(mask) / len(pixels) for name, mask in masks.items()}
    return {name: share for name, share in shares.items() if share >= 0.05}


def enclosing_rectangle(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """(aspect, fill) of the smallest rectangle, at any angle, round a non-empty bool mask (H, W).

    Aspect is its length over its width, fill the share of it the mask covers. Angles are tried every two degrees.
    """
    rows = np.flatnonzero(mask.any(1))
    first = mask[rows].argmax(1)
    last = mask.shape[1] - 1 - mask[rows][:, ::-1].argmax(1)
    x, y = np.concatenate([first, last]), np.concatenate([rows, rows])
    angles = np.deg2rad(np.arange(0, 90, 2))
    along = np.outer(np.cos(angles), x) + np.outer(np.sin(angles), y)
    across = np.outer(np.cos(angles), y) - np.outer(np.sin(angles), x)
    widths, heights = np.ptp(along, 1) + 1.0, np.ptp(across, 1) + 1.0  # pixel centres lie half a pixel inside
    best = int(np.argmin(widths * heights))
    width, height = float(widths[best]), float(heights[best])
    return max(width, height) / max(min(width, height), 1.0), min(1.0, float(mask.sum()) / (width * height))
