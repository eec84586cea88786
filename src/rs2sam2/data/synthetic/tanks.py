"""Storage tanks: fixed cones, floating roofs, spheres."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Material, Rgb, brighter
from rs2sam2.data.synthetic.shapes import arc, ellipse, rectangle, shifted


def storage_tank(canvas: Canvas, x: float, y: float, radius: float, height: float, kind: str = "cone") -> None:
    """An upright cylinder. ``kind``: cone (fixed roof), floating (sunk roof in a rim), sphere."""
    rng = canvas.rng
    names: list[tuple[str, Rgb]] = [
        ("white", (226, 226, 222)), ("white", (214, 215, 212)), ("white", (220, 216, 204)),
        ("gray", (158, 160, 158)), ("brown", (146, 122, 104)), ("green", (122, 136, 122)),
    ]  # fmt: skip
    colour, top = names[int(rng.choice(len(names), p=(0.28, 0.22, 0.18, 0.18, 0.08, 0.06)))]
    ring = ellipse(x, y, radius, corners=64)
    if not canvas.fits(ring):
        return
    canvas.shadow(ellipse(x, y, radius, corners=28), height)
    sunk = float(rng.uniform(0.25, 0.8)) * height if kind == "floating" else 0.0
    stain = float(rng.uniform(0.75, 1.0))
    turn = float(rng.uniform(0, 2 * math.pi))

    def draw() -> None:
        if kind == "sphere":
            for k in range(8):
                share = 1 - k / 8
                dx, dy = canvas.shadow_offset(-0.06 * radius * k)
                rgb = brighter(top, 0.62 + 0.4 * (k / 7))
                canvas.paint(ellipse(x + dx, y + dy, radius * share, corners=40), rgb)
            return
        if kind == "floating":
            canvas.paint(ring, brighter(top, 0.98))
            inner = ellipse(x, y, radius - max(0.35, 0.02 * radius), corners=64)
            deck = Material(brighter(top, 0.82 * stain), 0.03, 0.03, 0.03)
            canvas.paint(inner, deck)
            # Inside the rim the wall throws its own shade onto the sunk roof: all but the lit, shifted disc.
            dx, dy = canvas.shadow_offset(sunk)
            covered = canvas.coverage([inner])
            lit = canvas.coverage([shifted(inner, dx, dy)])
            if covered is not None:
                shade = covered[2].copy()
                if lit is not None:
                    full = np.zeros((canvas.height, canvas.width), np.float32)
                    full[lit[0], lit[1]] = lit[2]
                    shade *= 1 - full[covered[0], covered[1]]
                canvas.blend(covered[0], covered[1], shade * np.float32(0.5), (40, 44, 52))
            canvas.paint(ellipse(x, y, 0.9 * radius, corners=48), brighter(top, 0.7), 0.16,
                         holes=[ellipse(x, y, 0.86 * radius, corners=48)])  # fmt: skip
            ladder = rectangle(x + 0.45 * radius * math.cos(turn), y + 0.45 * radius * math.sin(turn),
                               0.9 * radius, max(0.06 * radius, 0.8), turn)  # fmt: skip
            canvas.paint(ladder, brighter(top, 1.08), 0.8)
            return
        slices = 32
        for k in range(slices):  # a shallow cone: every slice leans away from the middle
            start = 2 * math.pi * k / slices
            light = canvas.facing(start + math.pi / slices)
            wedge = np.concatenate([[(x, y)], arc(x, y, radius, start - 0.03, start + 2 * math.pi / slices + 0.03, 4)])
            canvas.paint(wedge, brighter(top, 0.95 + 0.09 * light))
        grime = Material(brighter(top, 0.82), 0.03, 0.06, 0.05)
        canvas.paint(ring, grime, 0.22)
        rim = max(0.03 * radius, 0.4)
        canvas.paint(ring, brighter(top, 0.72), 0.4, holes=[ellipse(x, y, radius - rim, corners=64)])
        for r, share in ((0.12, 0.8), (0.04, 0.5)):
            canvas.paint(ellipse(x, y, r * radius, corners=16), brighter(top, share), 0.5)
        walk = rectangle(
            x + 0.55 * radius * math.cos(turn), y + 0.55 * radius * math.sin(turn), 0.85 * radius, 0.7, turn
        )
        canvas.paint(walk, brighter(top, 0.66), 0.7)
        for k in range(5):  # the spiral stair on the wall shows as a nick in the rim
            angle = turn + 0.12 * k
            step = ellipse(x + radius * math.cos(angle), y + radius * math.sin(angle), 0.5, corners=8)
            canvas.paint(step, (120, 118, 112), 0.6)

    canvas.later(2, draw)
    canvas.instance("storage tank", ring, level=2, colour=colour, diameter_m=round(2 * radius, 1), kind=kind)
