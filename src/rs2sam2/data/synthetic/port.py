"""Ports: quays with piers and ships alongside, container yards; or marinas."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Material
from rs2sam2.data.synthetic.shapes import Points, place, points, rectangle
from rs2sam2.data.synthetic.ships import CONTAINERS, ship
from rs2sam2.data.synthetic.site import Site, scatter_trees, tree_line
from rs2sam2.data.synthetic.structures import hall, house
from rs2sam2.data.synthetic.water import water


def harbour(site: Site) -> None:
    """A quay with piers, ships alongside and at sea, container yards and sheds on land; or a marina."""
    c, rng = site.canvas, site.canvas.rng
    w, h, reach = site.width, site.height, site.reach
    frame = max(w, h)
    water(c)
    cx, shore = w / 2, h * float(rng.uniform(0.58, 0.8))
    left, right = cx - reach, cx + reach
    land = points([(left, shore), (right, shore), (right, shore + 2 * reach), (left, shore + 2 * reach)])
    c.shadow(rectangle(cx, shore + 2, 2 * reach, 4), 3.0)
    marina = frame < 190 or rng.random() < 0.3
    c.paint(land, m.CONCRETE.tinted(float(rng.uniform(0.8, 1.0))) if not marina else m.ASPHALT.tinted(1.3))
    c.paint(rectangle(cx, shore + 0.8, 2 * reach, 1.6), (176, 172, 162))
    if marina:
        _marina(site, shore)
        inland = shore + 14
        grounds.road(c, points([(left, inland), (right, inland)]), 7.0)
        c.paint(rectangle(cx, inland + 6 + reach, 2 * reach, 2 * reach), m.LAWN)
        grounds.car_park(c, cx + float(rng.uniform(-20, 20)), inland + 18, 0.0, min(frame * 0.6, 90), 19)
        for _ in range(5):
            hx, hy = float(rng.uniform(left, right)), inland + 40 + float(rng.uniform(0, 20))
            if site.free(hx, hy, 12):
                house(c, hx, hy, 0.0, float(rng.uniform(14, 24)), 11)
                site.take(hx, hy, 12)
        tree_line(site, points([(left, inland + 31), (right, inland + 31)]), 9)
        return
    wide, size = float(rng.uniform(18, 30)), float(rng.uniform(0.34, 0.5)) * frame
    gap = size * float(rng.uniform(0.42, 0.6)) + wide
    x = cx - reach + float(rng.uniform(0, gap))
    while x < right:
        long = min(size * float(rng.uniform(0.85, 1.2)), shore + 0.2 * h)
        pier = rectangle(x, shore - long / 2 + 2, wide, long + 4)
        c.shadow(pier, 2.5)
        c.later(0.5, _painter(c, pier, m.CONCRETE.tinted(float(rng.uniform(0.85, 1.08)))))
        c.later(0.6, _painter(c, rectangle(x, shore - long / 2, wide - 2, long - 2), m.ASPHALT.tinted(1.25)))
        c.instance("harbor", pier, kind="pier")
        for side in (1, -1):
            if rng.random() < 0.75:
                kind = str(rng.choice(["cargo", "container", "tanker", "ferry"]))
                length = float(rng.uniform(0.55, 0.95)) * long
                beam = {"cargo": 0.16, "container": 0.14, "tanker": 0.165, "ferry": 0.19}[kind] * length
                sx = x + side * (wide / 2 + beam / 2 + 1.2)
                ship(c, sx, shore - long + length / 2 + float(rng.uniform(0, 0.9)) * (long - length),
                     math.copysign(math.pi / 2, rng.random() - 0.5), length, kind)  # fmt: skip
        shed = float(rng.uniform(0.3, 0.6)) * long
        if rng.random() < 0.5 and wide > 20:
            hall(c, x, shore - shed * 0.7, math.pi / 2, shed, wide * 0.45, 7.0, "ribbed")
        else:
            _containers(site, x, shore - long * 0.5, math.pi / 2, long * 0.6, wide * 0.4)
        x += gap + float(rng.uniform(0, 0.35)) * gap
    for _ in range(int(rng.integers(1, 5))):
        spot = site.spot(0.1 * frame, margin=10)
        if spot and spot[1] < shore - size * 1.25:
            length = float(rng.choice([0.06, 0.1, 0.2])) * frame
            moving = float(rng.uniform(0.3, 1)) if length < 40 else float(rng.choice([0, 0.4]))
            ship(c, *spot, float(rng.uniform(-0.5, 0.5)) + math.pi * int(rng.integers(2)), length,
                 "boat" if length < 35 else str(rng.choice(["cargo", "tanker", "container"])), moving)  # fmt: skip
            site.take(*spot, length * 0.6)
    grounds.road(c, points([(left, shore + 16), (right, shore + 16)]), 9.0)
    x = left
    while x < right:
        length = float(rng.uniform(40, 90))
        depth = float(rng.uniform(24, 36))
        if rng.random() < 0.55:
            hall(
                c, x + length / 2, shore + 28 + depth / 2, 0.0, length, depth, 9.0, str(rng.choice(["ribbed", "flat"]))
            )
        else:
            _containers(site, x + length / 2, shore + 28 + depth / 2, 0.0, length * 0.9, depth)
        x += length + float(rng.uniform(8, 20))
    grounds.road(c, points([(left, shore + 80), (right, shore + 80)]), 9.0)
    c.paint(rectangle(cx, shore + 86 + reach, 2 * reach, 2 * reach), m.SCRUB)
    site.take_rectangle(cx, shore + 85 - 250, 2 * reach, 500)
    scatter_trees(site, int(0.003 * w * max(h - shore - 85, 0)))


def _painter(canvas: Canvas, outline: Points, surface: Material) -> Callable[[], None]:
    return lambda: canvas.paint(outline, surface)


def _containers(site: Site, x: float, y: float, heading: float, length: float, width: float) -> None:
    """Stacks of shipping containers in rows."""
    c, rng = site.canvas, site.canvas.rng
    v = -width / 2 + 1.3
    while v < width / 2 - 1.3:
        u = -length / 2 + 6.1
        while u < length / 2 - 6.1:
            if rng.random() < 0.7:
                stack = int(rng.integers(1, 4))
                spot = place(points([(u, v)]), x, y, heading)[0]
                box = rectangle(float(spot[0]), float(spot[1]), 12.2, 2.44, heading)
                if not c.fits(box):
                    u += 12.8
                    continue
                c.shadow(box, 2.6 * stack)
                rgb = np.array(CONTAINERS[int(rng.integers(len(CONTAINERS)))]) * rng.uniform(0.85, 1.15)
                c.later(1, _painter(c, box, Material(tuple(rgb), 0.03, 0.02, 0.0, stripes=(1.2, heading, 0.05))))
            u += 12.8
        v += 2.6 if rng.random() < 0.7 else 7.0


def _marina(site: Site, shore: float) -> None:
    """Floating jetties with small boats berthed on both sides."""
    c, rng = site.canvas, site.canvas.rng
    reach, cx = site.reach, site.width / 2
    boat = float(rng.uniform(11, 18))
    x = cx - reach + float(rng.uniform(0, 20))
    while x < cx + reach:
        long = float(rng.uniform(0.4, 0.75)) * shore
        jetty = rectangle(x, shore - long / 2 + 1, 3.0, long + 2)
        planks = Material((172, 160, 140), 0.04, 0.03, 0.02, stripes=(2.0, math.pi / 2, 0.05))
        c.shadow(jetty, 0.8)
        c.paint(jetty, planks)
        fingers = [jetty]
        for side in (1, -1):
            y = shore - 8.0
            while y > shore - long:
                length = boat * float(rng.uniform(0.7, 1.1))
                finger = rectangle(x + side * (1.5 + boat * 0.4), y + boat * 0.26, boat * 0.8, 0.9)
                c.paint(finger, planks)
                fingers.append(finger)
                if rng.random() < 0.78:
                    ship(c, x + side * (2.2 + length / 2), y, 0.0 if side == 1 else math.pi, length, "boat")
                y -= boat * float(rng.uniform(0.44, 0.52))
        c.instance("harbor", fingers, kind="jetty")
        x += 2 * boat + 4 + float(rng.uniform(14, 26))
    for _ in range(int(rng.integers(1, 4))):
        ship(c, float(rng.uniform(0, site.width)), float(rng.uniform(0, 0.2)) * shore, float(rng.uniform(0, 6.28)),
             boat, "boat", float(rng.uniform(0.2, 1)))  # fmt: skip
