"""Tank farms: storage tanks inside dikes, pipe racks, service roads."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.shapes import ellipse, points, rectangle, shifted
from rs2sam2.data.synthetic.site import Site
from rs2sam2.data.synthetic.structures import hall
from rs2sam2.data.synthetic.tanks import storage_tank


def tank_farm(site: Site) -> None:
    """Storage tanks of several sizes inside earth or concrete dikes, pipe racks, service roads."""
    c, rng = site.canvas, site.canvas.rng
    w, h, reach = site.width, site.height, site.reach
    frame = max(w, h)
    c.fill(m.GRAVEL if rng.random() < 0.45 else (m.SOIL if rng.random() < 0.5 else m.GRASS))
    cx, cy = w / 2, h / 2
    cell = frame * float(rng.choice([0.24, 0.32, 0.45]))
    road_width = 7.0
    start_x, start_y = float(rng.uniform(0, cell)), float(rng.uniform(0, cell))
    columns = np.arange(cx - reach - start_x, cx + reach + cell, cell)
    rows = np.arange(cy - reach - start_y, cy + reach + cell, cell)
    ground = [m.GRAVEL, m.SOIL, m.GRASS, m.CONCRETE.tinted(0.9)][int(rng.integers(4))]
    for y in rows:
        grounds.road(c, points([(cx - reach, y), (cx + reach, y)]), road_width, "lane")
    for x in columns:
        grounds.road(c, points([(x, cy - reach), (x, cy + reach)]), road_width, "lane", annotate=False)
    for x0 in columns:
        for y0 in rows:
            side = cell - road_width - 3
            mx, my = x0 + cell / 2, y0 + cell / 2
            if rng.random() < 0.1:
                hall(c, mx, my, 0.0, side * 0.7, side * 0.45, 7.0, str(rng.choice(["ribbed", "flat"])))
                continue
            dike = rectangle(mx, my, side, side)
            c.paint(dike, m.SOIL.tinted(0.95))
            inner = rectangle(mx, my, side - 4, side - 4)
            c.paint(inner, ground.tinted(float(rng.uniform(0.92, 1.08))))
            for edge, heading in (((mx, my - side / 2 + 1), -math.pi / 2), ((mx, my + side / 2 - 1), math.pi / 2)):
                light = c.facing(heading)
                c.paint(rectangle(*edge, side, 2.0), (255, 250, 235) if light > 0 else (40, 40, 44), 0.3 * abs(light))
            for edge, heading in (((mx - side / 2 + 1, my), math.pi), ((mx + side / 2 - 1, my), 0.0)):
                light = c.facing(heading)
                c.paint(rectangle(*edge, 2.0, side), (255, 250, 235) if light > 0 else (40, 40, 44), 0.3 * abs(light))
            n = int(rng.choice([1, 1, 2, 3])) if side > 40 else 1
            kind = str(rng.choice(["cone", "cone", "floating", "floating", "sphere"]))
            if n > 1 and kind == "sphere":
                kind = "cone"
            pitch = side / n
            for i in range(n):
                for j in range(n):
                    if rng.random() < 0.08:
                        continue
                    radius = pitch * float(rng.uniform(0.3, 0.36 if n > 1 else 0.38)) * (0.6 if kind == "sphere" else 1)
                    tx, ty = mx - side / 2 + (i + 0.5) * pitch, my - side / 2 + (j + 0.5) * pitch
                    pad = ellipse(tx, ty, radius * 1.1)
                    if not c.fits(pad):
                        continue
                    c.paint(pad, (168, 160, 146), 0.6)
                    pipe = points([(tx, ty), (tx, y0 + 5)])
                    c.line(pipe, 0.9, (196, 194, 188), 0.9)
                    c.line(shifted(pipe, 1.3, 0), 0.6, (120, 116, 110), 0.8)
                    storage_tank(c, tx, ty, radius, min(radius * float(rng.uniform(0.7, 1.1)), 20.0), kind)
    for y in rows:
        rack_y = y + road_width / 2 + 1.6
        for k in range(3):
            c.line(points([(cx - reach, rack_y + 0.8 * k), (cx + reach, rack_y + 0.8 * k)]), 0.45, (190, 188, 182), 0.9)
        for x in np.arange(cx - reach, cx + reach, 9.0):
            c.paint(rectangle(float(x), rack_y + 0.8, 0.8, 3.2), (120, 116, 110), 0.9)
        if rng.random() < 0.7:
            grounds.traffic(c, points([(cx - reach, y), (cx + reach, y)]), road_width, 120.0)
