"""Noise that is a function of seed and position, so that pictures drawn side by side continue each other.

Values are looked up in small periodic lattices and smoothed by the uniform cubic B-spline. A pixel's value depends on
its absolute position alone, never on the window it is asked for in.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

LATTICE = 256
"""Nodes a side of a periodic lattice; a field of spacing s metres repeats after 256 s metres."""


@lru_cache(maxsize=64)
def _lattice(seed: int, channel: int) -> FloatArray:
    values = np.random.default_rng([seed, channel, 77]).standard_normal((LATTICE, LATTICE))
    return values.astype(np.float32)


def _spline(start: int, count: int, spacing: float, phase: float) -> tuple[NDArray[np.int64], FloatArray]:
    """First node (count,) and the four cubic B-spline weights (4, count) of pixels start ... start + count - 1."""
    position = (np.arange(start, start + count, dtype=np.float64) + 0.5) / spacing + phase
    node = np.floor(position)
    t = position - node
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3],
    )
    return node.astype(np.int64) - 1, (weights / 6).astype(np.float32)


def smooth(seed: int, channel: int, window: tuple[int, int, int, int], spacing: tuple[float, float]) -> FloatArray:
    """Smooth noise of mean about 0 and deviation about 1.

    ``window`` is (row, column, height, width) in absolute pixels, ``spacing`` the lattice step (down, across) in
    pixels. Returns float32 (height, width).
    """
    row, column, height, width = window
    lattice = _lattice(seed, channel)
    phase = 17.31 * channel + 0.37
    rows, row_weights = _spline(row, height, spacing[0], phase)
    columns, column_weights = _spline(column, width, spacing[1], phase * 1.7)
    first = int(rows[0])
    needed = (np.arange(first, int(rows[-1]) + 4)) % LATTICE
    part = lattice[needed]
    across = np.zeros((len(needed), width), np.float32)
    for tap in range(4):
        across += part[:, (columns + tap) % LATTICE] * column_weights[tap]
    out = np.zeros((height, width), np.float32)
    rows -= first
    for tap in range(4):
        out += across[rows + tap] * row_weights[tap][:, None]
    # The B-spline averages: the variance of its weights, mean over positions, is 0.479 a dimension.
    out *= np.float32(1 / 0.479)
    return out


def white(seed: int, channel: int, window: tuple[int, int, int, int]) -> FloatArray:
    """White noise, one independent value a pixel (period 256 px), of mean 0 and deviation 1: (height, width)."""
    row, column, height, width = window
    lattice = _lattice(seed, channel)
    return lattice[np.ix_(np.arange(row, row + height) % LATTICE, np.arange(column, column + width) % LATTICE)]
