"""The ground a layout works on: what is taken, where room is left, and trees on the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.shapes import Points, along
from rs2sam2.data.synthetic.structures import tree


@dataclass
class Site:
    """The canvas being filled, its middle and extent in metres, and what is taken already."""

    canvas: Canvas
    width: float
    height: float
    reach: float
    _circles: NDArray[np.float64] = field(default_factory=lambda: np.zeros((64, 3)))
    _count: int = 0

    @property
    def middle(self) -> tuple[float, float]:
        """The picture's middle in metres."""
        return self.width / 2, self.height / 2

    def free(self, x: float, y: float, radius: float) -> bool:
        """Whether a circle touches nothing taken."""
        dx, dy, reach = (self._circles[: self._count] - (x, y, -radius)).T
        return not bool((dx * dx + dy * dy <= reach * reach).any())

    def take(self, x: float, y: float, radius: float) -> None:
        """Mark a circle as taken."""
        if self._count == len(self._circles):
            self._circles = np.concatenate([self._circles, np.zeros_like(self._circles)])
        self._circles[self._count] = x, y, radius
        self._count += 1

    def take_rectangle(self, x: float, y: float, length: float, width: float, heading: float = 0.0) -> None:
        """Mark a rectangle as taken, by circles along it."""
        radius = width / 2
        n = max(1, math.ceil(length / max(width, 1.0)))
        for k in range(n):
            at = (k + 0.5) / n * length - length / 2
            self.take(x + at * math.cos(heading), y + at * math.sin(heading), radius * 1.25)

    def spot(self, radius: float, tries: int = 40, margin: float = 0.0) -> tuple[float, float] | None:
        """A free place for a circle whose middle lies in the picture (``margin`` metres from its edge)."""
        rng = self.canvas.rng
        for _ in range(tries):
            x = float(rng.uniform(margin, max(self.width - margin, margin + 1)))
            y = float(rng.uniform(margin, max(self.height - margin, margin + 1)))
            if self.free(x, y, radius):
                return x, y
        return None


def scatter_trees(site: Site, count: int, low: float = 2.0, high: float = 5.0, clump: float = 0.5) -> None:
    """Scatter trees on free ground, a share of them in clumps."""
    rng = site.canvas.rng
    seeds = rng.uniform(-10, 10 + max(site.width, site.height), (max(3, count // 12), 2))
    for _ in range(count):
        if rng.random() < clump:
            x, y = seeds[int(rng.integers(len(seeds)))] + rng.normal(0, 9, 2)
        else:
            x, y = rng.uniform(0, site.width), rng.uniform(0, site.height)
        radius = float(rng.uniform(low, high))
        if site.free(float(x), float(y), radius * 0.7):
            tree(site.canvas, float(x), float(y), radius)


def tree_line(site: Site, path: Points, spacing: float = 8.0, low: float = 2.5, high: float = 4.5) -> None:
    """Plant trees along a line where the ground is free, about ``spacing`` metres apart."""
    rng = site.canvas.rng
    for x, y in along(path, spacing)[0]:
        if rng.random() < 0.85:
            at = (float(x + rng.normal(0, 1.0)), float(y + rng.normal(0, 1.0)))
            if site.free(*at, low * 0.5):
                tree(site.canvas, *at, float(rng.uniform(low, high)))
