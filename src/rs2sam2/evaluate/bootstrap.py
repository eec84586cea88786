"""Intervals by resampling: how far a score would move on other images of the same kind.

Every score here is a ratio of two sums over samples (oIoU: intersections over unions; mIoU: IoUs over samples). What is
drawn again, with replacement, is images and not phrases: the phrases about one image succeed and fail together, and
drawing them one by one would give intervals that are too narrow.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESAMPLES = 1000
SEED = 0
LEVEL = 0.95
FEWEST = 5
"""Of fewer groups than this no interval is given: redrawing two images says nothing about others."""
DIGITS = 9
_CHUNK = 2_000_000  # counts held at once


def groups_of(keys: Sequence[Hashable]) -> NDArray[np.int64]:
    """A number for each distinct key, in the order of first appearance: what is drawn together."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def ratio(tops: Array, bottoms: Array) -> Array:
    """Sum of `tops` (N, K) over sum of `bottoms` (N, K), for each of K scores; NaN where there is nothing."""
    return _divide(tops.sum(axis=0), bottoms.sum(axis=0))


def resample(
    tops: Array, bottoms: Array, groups: NDArray[np.int64], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Array:
    """(R, K): the K ratios of sums on R redrawn sets of groups.

    tops, bottoms (N, K) of N samples; groups (N,) says which are drawn together. Two calls with equal groups, R and
    seed draw the same sets, so the difference of their results is a paired one. NaN for fewer than `FEWEST` groups.
    """
    count = int(groups.max()) + 1 if len(groups) else 0
    if count < FEWEST:
        return np.full((resamples, tops.shape[1]), np.nan)
    by_group = np.zeros((2, count, tops.shape[1]))
    np.add.at(by_group[0], groups, tops)
    np.add.at(by_group[1], groups, bottoms)
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // count)
    out = []
    for start in range(0, resamples, rows):
        n = min(rows, resamples - start)
        drawn = rng.integers(0, count, (n, count)) + count * np.arange(n)[:, None]
        times = np.bincount(drawn.ravel(), minlength=n * count).reshape(n, count).astype(np.float64)
        out.append(_divide(times @ by_group[0], times @ by_group[1]))
    return np.concatenate(out)


def interval(draws: Array) -> tuple[Array, Array]:
    """Lower and upper bound (K,) of the middle 95 % of (R, K) draws; draws without any sample (NaN) are left out.

    Rounded to `DIGITS`: the sums behind the draws are matrix products, whose last bits depend on the machine and its
    number of threads, and equal results shall give equal files.
    """
    low, high = np.full((2, draws.shape[1]), np.nan)
    for k, column in enumerate(draws.T):
        known = column[~np.isnan(column)]
        if len(known):
            low[k], high[k] = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).round(DIGITS)
    return low, high


def _divide(top: Array, bottom: Array) -> Array:
    out = np.full(np.shape(top), np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out
