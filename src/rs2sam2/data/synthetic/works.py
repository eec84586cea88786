"""What stands in power stations and works besides chimneys: tall houses, heaps, conveyors, apparatus, tanks, masts."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.chimneys import View
from rs2sam2.data.synthetic.materials import Material, Rgb, brighter
from rs2sam2.data.synthetic.shapes import ellipse, oval, place, points, rectangle, shifted, sweep
from rs2sam2.data.synthetic.site import Site
from rs2sam2.data.synthetic.tanks import storage_tank

COAL: Rgb = (46, 46, 50)


def block(site: Site, x: float, y: float, heading: float, length: float, width: float, height: float,
          view: View) -> None:  # fmt: skip
    """A tall house (boiler house, filter, tower) whose walls show as it leans."""
    c, rng = site.canvas, site.canvas.rng
    foot = rectangle(x, y, length, width, heading)
    off = (view.lean[0] * height, view.lean[1] * height)
    pieces = sweep(foot, off)
    site.take_rectangle(x, y, length, width, heading)
    if not c.fits(*pieces):
        return
    c.shadow(foot, height)
    colours: list[Rgb] = [(170, 172, 172), (200, 200, 196), (128, 138, 150), (150, 142, 130), (112, 116, 120)]
    rgb = brighter(colours[int(rng.integers(5))], float(rng.uniform(0.85, 1.1)))
    units = rng.uniform(-0.42, 0.42, (6, 2))
    view.roofs.append((shifted(foot, *off), height, off))

    def draw() -> None:
        for k, wall in enumerate(pieces[2:]):
            fall = heading + (k - 1) * math.pi / 2
            if off[0] * math.cos(fall) + off[1] * math.sin(fall) < 0:  # a house that leans away shows its near walls
                c.paint(wall, brighter(rgb, 0.66 + 0.3 * c.facing(fall)))
        roof = shifted(foot, *off)
        c.paint(roof, Material(rgb, 0.03, 0.04, 0.04, stripes=(6.0, heading, 0.05)))
        for u, v in units:
            spot = place(points([(u * length, v * width)]), x + off[0], y + off[1], heading)[0]
            box = rectangle(float(spot[0]), float(spot[1]), 0.1 * length + 1, 0.12 * width + 1, heading)
            c.paint(shifted(box, *c.shadow_offset(2.0)), (40, 42, 48), 0.4)
            c.paint(box, brighter(rgb, 1.15 if u > 0 else 0.75))

    level = 3.2 + 0.002 * height
    c.later(level, draw)
    c.instance("building", pieces, level=level, colour="gray", kind="hall")


def heap(site: Site, x: float, y: float, length: float, width: float, rgb: Rgb) -> None:
    """A heap of coal or stone along x with a lit and a dark flank."""
    c, rng = site.canvas, site.canvas.rng
    outline = oval(x, y, max(length - width, 1), width / 2) + rng.normal(0, 0.05 * width, (48, 2))
    site.take_rectangle(x, y, length, width)
    c.shadow(oval(x, y, max(length - width, 1), width / 4), 0.3 * width)

    def draw() -> None:
        c.paint(outline, Material(rgb, 0.08, 0.1, 0.08), feather=1.5)
        for flank in (1, -1):
            light = c.facing(flank * math.pi / 2)
            face = rectangle(x, y + flank * width / 4, length, width / 2)
            c.paint(face, (235, 225, 210) if light > 0 else (10, 10, 14), 0.28 * abs(light), clip=outline, feather=2.0)

    c.later(0.4, draw)


def coal_yard(site: Site, x: float, y: float, side: float, long: float, view: View) -> None:
    """A coal yard: dark ground, long heaps, a gallery up to the boilers."""
    c, rng = site.canvas, site.canvas.rng
    deep = float(rng.uniform(60, 95))
    middle = x + float(rng.uniform(-0.3, 0.3)) * long
    wide = float(rng.uniform(140, 260))
    ground = Material((86, 82, 78), 0.08, 0.1, 0.1, COAL, 0.45)
    c.paint(rectangle(middle, y + side * deep / 2, wide, deep), ground, feather=4.0)
    rows = int(rng.integers(2, 4))
    for k in range(rows):
        heap(site, middle + float(rng.uniform(-20, 20)), y + side * deep * (k + 0.5) / rows, wide * 0.75,
              deep / rows * 0.75, COAL)  # fmt: skip
    gallery(site, (middle - wide * 0.4, y + side * deep * 0.6), (x - long / 2 - 12, y - side * 148), view)


def gallery(site: Site, start: tuple[float, float], end: tuple[float, float], view: View) -> None:
    """A conveyor in a long covered gallery on trestles, with a transfer tower at its foot."""
    c = site.canvas
    (x0, y0), (x1, y1) = start, end
    beam = rectangle((x0 + x1) / 2, (y0 + y1) / 2, math.dist(start, end), 4.2, math.atan2(y1 - y0, x1 - x0))
    if c.fits(beam):
        c.shadow(beam, 20.0, 17.0)
        c.hide(beam, 3.3)
        c.later(3.3, partial(c.paint, beam, Material((176, 180, 182), 0.03, 0.03, 0.03)))
        c.later(3.3, partial(c.line, points([start, end]), 0.8, (120, 124, 128), 0.8))
        block(site, *start, math.atan2(y1 - y0, x1 - x0), 11, 10, 18, view)


def transformer_yard(site: Site, x: float, y: float, long: float) -> None:
    """A transformer yard: gravel, gantries across, rows of apparatus."""
    c, rng = site.canvas, site.canvas.rng
    c.paint(rectangle(x, y, long, 44), m.GRAVEL.tinted(float(rng.uniform(0.95, 1.2))))
    site.take_rectangle(x, y, long, 50)
    for u in np.arange(-long / 2 + 6, long / 2 - 4, 12.0).tolist():
        gantry = rectangle(x + u, y, 0.8, 40)
        c.shadow(gantry, 11.0, 10.0)
        c.paint(gantry, (196, 198, 198), 0.9)
        for v in np.arange(-18, 19, 6.0).tolist():
            c.paint(rectangle(x + u + 5, y + v, 2.2, 1.4), (90, 92, 96) if rng.random() < 0.5 else (206, 206, 204))


def tank_group(site: Site, x: float, y: float) -> None:
    """One to four storage tanks on a pad."""
    c, rng = site.canvas, site.canvas.rng
    radius, n = float(rng.uniform(5, 12)), int(rng.integers(1, 5))
    c.paint(rectangle(x, y, 4.8 * radius, 4.8 * radius), m.CONCRETE)
    site.take(x, y, 3 * radius)
    for u, v in ((-1, -1), (1, 1), (1, -1), (-1, 1))[:n]:
        storage_tank(c, x + 1.2 * u * radius, y + 1.2 * v * radius, radius, 0.9 * radius,
                     str(rng.choice(["cone", "floating"])))  # fmt: skip


def mast(site: Site, x: float, y: float, view: View, height: float) -> None:
    """A lamp mast: a thin pole with a thin shadow, no chimney."""
    c = site.canvas
    dx, dy = c.shadow_offset(height)
    c.shadow(rectangle(x + dx / 2, y + dy / 2, math.hypot(dx, dy), 0.5, math.atan2(dy, dx)), 0.0)
    top = view.top(x, y, height)
    c.later(4.5, partial(c.line, points([(x, y), top]), 0.5, (206, 206, 204), 0.9))
    c.later(4.5, partial(c.paint, ellipse(*top, 0.9, corners=10), (236, 236, 232)))
