"""How published scorers differ, each as one variant of the same counts, so that a number can be compared with theirs.

| quirk | who | here |
|---|---|---|
| an empty union counts as IoU 0 | the released RS2-SAM2 scorer | the headline scores |
| ... as IoU 1, or is left out | others | `union 0 as 1`, `union 0 left out` |
| Pr@X counts IoU > X, not >= X | others | `above` |
| the background is a second class, averaged in | others | `with background` |
| scored on a square of 1024 or 480 px, not at the image's size | the released one; others | the protocols |
| oIoU is called "IoU" or "cIoU", mIoU "gIoU" | papers | names only |

Squashing to a square weighs images of unequal size alike in oIoU, drops thin truths and stretches the rest; NEAREST is how
the released scorer squashes the truth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs2sam2.metrics import ious, scores

VARIANTS = {
    "above": "Pr@X counts IoU > X, not >= X",
    "union 0 as 1": "nothing found where nothing is true counts as right",
    "union 0 left out": "such samples are not counted",
    "with background": "IoU of the background averaged in",
}


def variant(name: str, table: NDArray[np.int64], pixels: NDArray[np.int64]) -> dict[str, float]:
    """The scores of (N, 2) intersections and unions by another scorer's rule; `pixels` (N,) in each comparison."""
    if name == "above":
        return scores(table, strict=True)
    if name == "union 0 as 1":
        return scores(table, empty_union=1.0)
    if name == "union 0 left out":
        return scores(table[table[:, 1] > 0])
    if name == "with background":
        return with_background(table, pixels)
    raise KeyError(name)


def with_background(table: NDArray[np.int64], pixels: NDArray[np.int64]) -> dict[str, float]:
    """oIoU and mIoU with the background as a second class of equal weight: what two-class segmentation calls mIoU."""
    if not len(table):
        return {"oIoU": float("nan"), "mIoU": float("nan")}
    # Ground in both is all but the union; ground in either is all but the intersection.
    ground = np.stack([pixels - table[:, 1], pixels - table[:, 0]], axis=1)
    plain, other = scores(table), scores(ground)
    return {
        "oIoU": (plain["oIoU"] + other["oIoU"]) / 2,
        "mIoU": float((ious(table) + ious(ground)).mean() / 2),
    }
