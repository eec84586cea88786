"""Open country: rivers with bridges, farmland."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.materials import Material
from rs2sam2.data.synthetic.shapes import points, rectangle, shifted, stroke, winding
from rs2sam2.data.synthetic.ships import ship
from rs2sam2.data.synthetic.site import Site, scatter_trees, tree_line
from rs2sam2.data.synthetic.structures import hall, house, windmill
from rs2sam2.data.synthetic.tanks import storage_tank
from rs2sam2.data.synthetic.vehicles import vehicle
from rs2sam2.data.synthetic.water import water


def river(site: Site) -> None:
    """A winding river under one or two bridges, roads to them, fields, trees and boats."""
    c, rng = site.canvas, site.canvas.rng
    w, h, reach = site.width, site.height, site.reach
    frame = max(w, h)
    c.fill(m.GRASS if rng.random() < 0.5 else m.SCRUB)
    cx, cy = w / 2, h / 2
    wide = frame * float(rng.uniform(0.2, 0.34))
    bends = [float(v) * frame for v in rng.normal(0, (0.06, 0.1, 0.04))]
    bed = winding(
        (cx + float(rng.uniform(-0.2, 0.2)) * w, cy - reach),
        (cx + float(rng.uniform(-0.2, 0.2)) * w, cy + reach),
        bends,
    )
    c.paint(stroke(bed, wide + 9), m.SAND.tinted(0.8), feather=3.0)
    water(c, stroke(bed, wide))
    crossings = [float(rng.uniform(0.3, 0.7))] if frame < 320 or rng.random() < 0.5 else [0.28, 0.68]
    for share in crossings:
        y = cy + (share - 0.5) * frame
        slope = float(rng.uniform(-0.25, 0.25))
        mid_x = float(np.interp(y, bed[:, 1], bed[:, 0]))
        width = float(rng.choice([9.0, 12.0, 18.0]))
        ends = []
        for side in (-1, 1):
            ends.append((mid_x + side * (wide * 0.62 + 12), y + side * slope * (wide * 0.62 + 12)))
            far = (mid_x + side * 2 * reach, y + side * slope * 2 * reach)
            approach = points([ends[-1], far]) if side == 1 else points([far, ends[-1]])
            grounds.road(c, approach, width, "street")
            grounds.traffic(c, approach, width, 50.0)
            heading = math.atan2(approach[1, 1] - approach[0, 1], approach[1, 0] - approach[0, 0])
            mx, my = approach.mean(0).tolist()
            site.take_rectangle(mx, my, math.dist(*approach), width + 4, heading)
        for _ in range(int(rng.integers(0, 3))):
            at = int(rng.integers(8, len(bed) - 8))
            spot = bed[at] + rng.uniform(-0.25, 0.25, 2) * wide
            if abs(spot[1] - y) > 35:
                turn = math.atan2(*(bed[at + 1] - bed[at])[::-1])
                ship(c, float(spot[0]), float(spot[1]), turn, float(rng.choice([12, 18, 0.3 * wide + 10])), "boat",
                     float(rng.choice([0.0, 0.6])))  # fmt: skip
        grounds.bridge(c, ends[0], ends[1], width)
        slant = math.atan2(ends[1][1] - ends[0][1], ends[1][0] - ends[0][0])
        site.take_rectangle(
            (ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2, math.dist(*ends), width + 4, slant
        )
    for k in range(0, len(bed), 1):
        site.take(float(bed[k, 0]), float(bed[k, 1]), wide * 0.52)
    for _ in range(int(rng.integers(3, 8))):
        spot = site.spot(18, 20)
        if spot:
            house(c, *spot, float(rng.uniform(0, 3.1)), float(rng.uniform(14, 22)), float(rng.uniform(9, 13)))
            site.take(*spot, 13)
    for side in (1, -1):
        tree_line(site, shifted(bed, side * (wide * 0.56 + 5), 0), 7, 3, 5.5)
    scatter_trees(site, int(0.0045 * w * h), 2.5, 6.0, 0.8)


def fields(site: Site) -> None:
    """Farmland: crop rows in many greens and browns, dirt roads, a farm, tree lines, sometimes wind turbines."""
    c, rng = site.canvas, site.canvas.rng
    w, h, reach = site.width, site.height, site.reach
    frame = max(w, h)
    c.fill(m.GRASS)
    cx, cy = w / 2, h / 2
    crops: list[m.Rgb] = [(92, 112, 60), (118, 124, 72), (150, 138, 96), (128, 104, 76), (74, 98, 54), (168, 152, 106),
                          (104, 88, 66), (140, 148, 84)]  # fmt: skip
    xs, ys = [cx - reach], [cy - reach]
    while xs[-1] < cx + reach:
        xs.append(xs[-1] + frame * float(rng.uniform(0.25, 0.6)))
    while ys[-1] < cy + reach:
        ys.append(ys[-1] + frame * float(rng.uniform(0.2, 0.45)))
    for i in range(len(xs) - 1):
        for j in range(len(ys) - 1):
            x, y = (xs[i] + xs[i + 1]) / 2, (ys[j] + ys[j + 1]) / 2
            a, b = xs[i + 1] - xs[i] - 5, ys[j + 1] - ys[j] - 5
            rgb = crops[int(rng.integers(len(crops)))]
            other: m.Rgb = (rgb[0] * 1.18, rgb[1] * 1.08, rgb[2] * 1.1)
            rows = (
                float(rng.choice([2.2, 3.5, 6.0, 12.0])),
                float(rng.choice([0.0, math.pi / 2])),
                float(rng.uniform(0.04, 0.12)),
            )
            c.paint(rectangle(x, y, a, b), Material(rgb, 0.05, 0.05, 0.06, other, 0.4, stripes=rows), feather=1.0)
    track_y = ys[len(ys) // 2] - 1.0
    grounds.road(
        c, points([(cx - reach, track_y), (cx + reach, track_y)]), 5.0, "dirt" if rng.random() < 0.6 else "street"
    )
    site.take_rectangle(cx, track_y, 2 * reach, 7)
    if rng.random() < 0.7:
        fx, fy = float(rng.uniform(0.25, 0.75)) * w, track_y + float(rng.choice([-1, 1])) * 34
        c.paint(rectangle(fx, fy, 66, 50), m.SOIL, feather=3.0)
        hall(c, fx - 14, fy, 0.0, 30, 14, 7.0, "ribbed")
        house(c, fx + 18, fy + 8, 0.0, 15, 10)
        storage_tank(c, fx + 14, fy - 12, 3.6, 9.0, "cone")
        vehicle(c, fx + 4, fy + 15, 1.2, "truck")
        site.take(fx, fy, 36)
    if frame > 150 and rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 4))):
            spot = site.spot(25, 40, 30)
            if spot:
                windmill(c, *spot, float(rng.uniform(50, 80)))
                site.take(*spot, 60)
    for k in rng.choice(len(xs), min(2, len(xs)), replace=False):
        tree_line(site, points([(xs[k] - 2.5, cy - reach), (xs[k] - 2.5, cy + reach)]), 7, 2.5, 5)
    scatter_trees(site, int(0.0006 * w * h), 2.5, 5.5, 0.8)
