"""The field's scores from intersections and unions: oIoU, mIoU and Pr@X (spec: arXiv 2503.07266, section 4).

    oIoU  = sum of all intersections / sum of all unions
    mIoU  = mean of each sample's intersection / union
    Pr@X  = share of samples whose IoU is at least X

Shares are compared in whole pixels (10 I >= 5 U), so that an IoU of exactly 0.7 never depends on rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import UsageError

TENTHS = (5, 6, 7, 8, 9)
"""The X of Pr@X, in tenths."""
NAMES = ("oIoU", "mIoU", *(f"Pr@0.{t}" for t in TENTHS))


def intersection_union(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> tuple[int, int]:
    """Pixels in both and pixels in either of two bool masks of one size (H, W). Raises UsageError where they differ."""
    if mask.shape != truth.shape:
        raise UsageError(f"a mask of {mask.shape} cannot be compared with a truth of {truth.shape}; resize one of them")
    both = int(np.count_nonzero(mask & truth))
    return both, int(np.count_nonzero(mask)) + int(np.count_nonzero(truth)) - both


def scores(
    overlaps: Sequence[tuple[int, int]] | NDArray[np.int64], *, strict: bool = False, empty_union: float = 0.0
) -> dict[str, float]:
    """oIoU, mIoU, Pr@0.5 ... Pr@0.9 of samples given as (intersection, union) in pixels, all in [0, 1].

    strict: Pr@X counts IoU > X instead of IoU >= X. empty_union: the IoU of a sample of which neither mask nor truth
    has a pixel (0 as the released scorer has it, 1 where "nothing" is called right). NaN everywhere without samples.
    Raises UsageError for overlaps that cannot be.
    """
    table = as_table(overlaps)
    if not len(table):
        return dict.fromkeys(NAMES, float("nan"))
    both, either = table.sum(axis=0)
    return {
        "oIoU": float(both / either) if either else float(empty_union),
        "mIoU": float(ious(table, empty_union).mean()),
        **{
            f"Pr@0.{tenths}": float(passed(table, tenths, strict=strict, empty_union=empty_union).mean())
            for tenths in TENTHS
        },
    }


def as_table(overlaps: Sequence[tuple[int, int]] | NDArray[np.int64]) -> NDArray[np.int64]:
    """(N, 2) int64 of intersections and unions. Raises UsageError where an intersection is larger than its union."""
    table = np.asarray(overlaps, dtype=np.int64).reshape(-1, 2)
    wrong = (table[:, 0] > table[:, 1]) | (table[:, 0] < 0)
    if wrong.any():
        row = int(wrong.argmax())
        raise UsageError(
            f"sample {row}: an intersection of {table[row, 0]} pixels in a union of {table[row, 1]} cannot be; "
            "give (intersection, union)"
        )
    return table


def ious(table: NDArray[np.int64], empty_union: float = 0.0) -> NDArray[np.float64]:
    """(N,) intersection over union of each row of an (N, 2) table; `empty_union` where the union is 0."""
    both, either = table[:, 0], table[:, 1]
    return np.where(either > 0, both / np.maximum(either, 1), empty_union)


def passed(
    table: NDArray[np.int64], tenths: int, *, strict: bool = False, empty_union: float = 0.0
) -> NDArray[np.bool_]:
    """(N,) whether each row's IoU reaches (strict: exceeds) tenths / 10, in whole pixels."""
    both, either = 10 * table[:, 0], tenths * table[:, 1]
    nothing = 10 * empty_union > tenths if strict else 10 * empty_union >= tenths
    return np.where(table[:, 1] > 0, both > either if strict else both >= either, nothing)
