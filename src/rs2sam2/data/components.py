"""Connected components of a mask in numpy, run by run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Patch:
    """A component: its bool mask (h, w) and where that lies in the whole, its size in pixels."""

    top: int
    left: int
    mask: NDArray[np.bool_]
    area: int

    def box(self) -> tuple[float, float, float, float]:
        """(x1, y1, x2, y2) in pixels."""
        height, width = self.mask.shape
        return float(self.left), float(self.top), float(self.left + width), float(self.top + height)

    def add_to(self, whole: NDArray[np.bool_]) -> None:
        """Set its pixels in a mask of the whole image."""
        height, width = self.mask.shape
        whole[self.top : self.top + height, self.left : self.left + width] |= self.mask


def components(mask: NDArray[np.bool_], least: int = 1) -> Iterator[Patch]:
    """Each 8-connected component of a bool mask (H, W) with at least so many pixels, in the order of first pixels."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    row, start = np.nonzero(steps == 1)
    end = np.nonzero(steps == -1)[1]
    parent = list(range(len(row)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first = np.searchsorted(row, np.arange(height + 1))
    starts, ends = start.tolist(), end.tolist()
    for y in range(1, height):
        above, here = int(first[y - 1]), int(first[y])
        last_above, last_here = here, int(first[y + 1])
        while above < last_above and here < last_here:
            # runs are half-open; touching corners count as connected
            if starts[above] <= ends[here] and starts[here] <= ends[above]:
                a, b = root(above), root(here)
                parent[max(a, b)] = min(a, b)
            if ends[above] < ends[here]:
                above += 1
            else:
                here += 1
    members: dict[int, list[int]] = {}
    for run in range(len(row)):
        members.setdefault(root(run), []).append(run)
    for runs in members.values():
        area = sum(ends[run] - starts[run] for run in runs)
        if area < least:
            continue
        top, left = int(row[runs[0]]), min(starts[run] for run in runs)
        one = np.zeros((int(row[runs[-1]]) + 1 - top, max(ends[run] for run in runs) - left), np.bool_)
        for run in runs:
            one[row[run] - top, starts[run] - left : ends[run] - left] = True
        yield Patch(top, left, one, area)
