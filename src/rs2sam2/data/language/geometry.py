"""Distances and overlaps of boxes (x1, y1, x2, y2)."""

from __future__ import annotations

import math

from rs2sam2.data.language.symmetry import Box


def gap(a: Box, b: Box) -> float:
    """The distance between two boxes' nearest points, 0 where they touch or overlap."""
    dx = max(a[0] - b[2], b[0] - a[2], 0.0)
    dy = max(a[1] - b[3], b[1] - a[3], 0.0)
    return math.hypot(dx, dy)


def share_inside(a: Box, b: Box) -> float:
    """The share of box a that lies in box b."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / max((a[2] - a[0]) * (a[3] - a[1]), 1e-9)
