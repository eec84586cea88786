"""Open water: slow colour changes with depth, wind ripples, glints."""

from __future__ import annotations

import numpy as np

from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Rgb
from rs2sam2.data.synthetic.shapes import Points

WATERS: tuple[Rgb, ...] = ((36, 62, 78), (42, 70, 74), (54, 76, 68), (30, 52, 72), (66, 84, 74), (48, 72, 88))


def water(canvas: Canvas, outline: Points | None = None) -> None:
    """Cover the canvas, or a polygon, with water."""
    rng = canvas.rng
    rgb = np.array(WATERS[int(rng.integers(len(WATERS)))], np.float32) * np.float32(rng.uniform(0.85, 1.15))
    rough = float(rng.uniform(0.015, 0.06))
    ripple, huge, large = canvas.field("ripple"), canvas.field("huge"), canvas.field("large")
    light = 1 + rough * ripple + 0.05 * huge + 0.02 * large + 0.012 * canvas.field("fine")
    glint = np.clip(ripple - 2.2, 0, 2) * np.float32(14 * rough / 0.06)
    colours = light[..., None] * rgb + glint[..., None]
    if outline is None:
        canvas.fill(colours)
        return
    covered = canvas.coverage([outline])
    if covered is not None:
        rows, columns, cover = covered
        canvas.blend(rows, columns, cover, colours[rows, columns])
