"""Airfields: an apron with parked airplanes, taxiways, a runway, hangars."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.airplanes import airplane
from rs2sam2.data.synthetic.materials import Material
from rs2sam2.data.synthetic.shapes import ellipse, points, rectangle, shifted, stroke
from rs2sam2.data.synthetic.site import Site
from rs2sam2.data.synthetic.structures import hall
from rs2sam2.data.synthetic.vehicles import vehicle

AIRPLANE_TYPES: tuple[tuple[str, float, float], ...] = (
    ("airliner", 33.0, 1.0),
    ("airliner", 38.0, 2.0),
    ("airliner", 44.0, 1.5),
    ("airliner", 63.0, 1.0),
    ("airliner", 72.0, 0.7),
    ("jet", 15.0, 1.0),
    ("jet", 21.0, 1.0),
    ("jet", 28.0, 1.0),
    ("propeller", 8.0, 1.5),
    ("propeller", 11.0, 1.0),
    ("fighter", 16.0, 1.0),
    ("fighter", 20.0, 0.7),
)
"""(kind, length in metres, how common)."""


def airfield(site: Site) -> None:
    """An apron with parked airplanes, taxiways, a runway, a terminal or hangars, grass between."""
    c, rng = site.canvas, site.canvas.rng
    w, h, reach = site.width, site.height, site.reach
    c.fill(m.DRY_GRASS if rng.random() < 0.45 else m.GRASS)
    frame = max(w, h)
    apron_top = h * float(rng.uniform(-0.05, 0.18))
    apron_depth = frame * float(rng.uniform(0.5, 0.72))
    slab = float(rng.choice([5.0, 7.5]))
    surface = Material(
        tuple(np.array(m.CONCRETE.rgb) * rng.uniform(0.82, 1.12)), 0.03, 0.035, 0.05, (126, 122, 114), 0.3,
        slabs=(slab, 0.0, 0.10),
    ) if rng.random() < 0.72 else m.ASPHALT.tinted(float(rng.uniform(0.95, 1.25)))  # fmt: skip
    cx = w / 2
    apron = rectangle(cx, apron_top + apron_depth / 2, 2 * reach + 60, apron_depth)
    c.paint(apron, surface)
    # taxiway and runway below the apron
    taxi_y = apron_top + apron_depth + float(rng.uniform(14, 30))
    left, right = cx - reach - 40, cx + reach + 40
    taxi = points([(left, taxi_y + 11), (right, taxi_y + 11)])
    c.paint(stroke(taxi, 30), m.GRAVEL.tinted(0.8), 0.5)
    c.paint(stroke(taxi, 22), m.ASPHALT.tinted(1.1))
    c.line(taxi, 0.35, grounds.YELLOW, 0.9)
    for k in range(int(rng.integers(1, 4))):
        x = cx + float(rng.uniform(-0.5, 0.5)) * frame + 120 * (k - 1)
        link = points([(x, apron_top + apron_depth - 5), (x, taxi_y + 5)])
        c.paint(stroke(link, 22), m.ASPHALT.tinted(1.1))
        c.line(points([(x, apron_top + apron_depth * 0.5), (x, taxi_y + 11)]), 0.35, grounds.YELLOW, 0.9)
    runway_y = taxi_y + 22 + float(rng.uniform(45, 80))
    runway = points([(left, runway_y), (right, runway_y)])
    c.paint(stroke(runway, 58), m.ASPHALT.tinted(1.15))
    c.paint(stroke(runway, 45), m.NEW_ASPHALT.tinted(1.12))
    for off in (-21.5, 21.5):
        c.line(shifted(runway, 0, off), 0.9, grounds.PAINT, 0.8)
    for x in np.arange(left, right, 50.0):
        c.paint(rectangle(float(x), runway_y, 30, 0.9), grounds.PAINT, 0.85)
    for _ in range(14):
        x = float(rng.uniform(left, right))
        c.paint(rectangle(x, runway_y + float(rng.choice([-5, 5])), float(rng.uniform(40, 120)), 1.5), (34, 34, 36), 0.25,
                feather=0.8)  # fmt: skip
    # buildings above the apron
    terminal = apron_top > 18 or rng.random() < 0.4
    edge = apron_top
    if terminal:
        depth = float(rng.uniform(24, 45))
        edge = apron_top + (0 if apron_top > depth * 0.6 else depth * 0.5)
        x = cx - reach
        while x < cx + reach:
            length = float(rng.uniform(45, 110))
            kind = "ribbed" if rng.random() < 0.6 else "flat"
            hall(c, x + length / 2, edge - depth / 2, 0.0, length, depth, float(rng.uniform(8, 14)), kind)
            x += length + float(rng.uniform(4, 30))
    # parked airplanes in rows
    usual = [t for t in AIRPLANE_TYPES if 26 <= t[1] / c.gsd <= 0.36 * frame / c.gsd] or [AIRPLANE_TYPES[0]]
    weights = np.array([t[2] for t in usual])
    theme = usual[int(rng.choice(len(usual), p=weights / weights.sum()))]
    mixed = rng.random() < 0.4
    across = theme[1] * (1.3 if theme[0] == "propeller" else 1.0)  # what a stand must hold: length or span
    y = edge + across * 0.62 + float(rng.uniform(4, 14))
    while y + across * 0.55 < apron_top + apron_depth:
        pitch = across * float(rng.uniform(1.12, 1.5))
        direction = (-1 if rng.random() < 0.7 else 1) * math.pi / 2 + float(rng.choice([0.0, 0.0, 0.35, -0.35]))
        x = cx - reach * 0.9 + float(rng.uniform(0, pitch))
        occupied = float(rng.uniform(0.35, 0.9))
        while x < cx + reach * 0.9:
            c.line(points([(x, y - 0.6 * theme[1]), (x, y + 0.75 * theme[1])]), 0.25, grounds.YELLOW, 0.8)
            if rng.random() < 0.5:
                stain = ellipse(x, y + float(rng.uniform(-5, 5)), theme[1] * 0.3, theme[1] * 0.12, math.pi / 2)
                c.paint(stain, (70, 66, 62), 0.22, feather=theme[1] * 0.06)
            if rng.random() < occupied:
                kind, length, _ = theme
                if mixed:
                    smaller = [t for t in usual if t[1] <= theme[1]]
                    kind, length, _ = smaller[int(rng.integers(len(smaller)))]
                airplane(c, x, y, direction + float(rng.normal(0, 0.03)), length * float(rng.uniform(0.96, 1.04)), kind)
                for _ in range(int(rng.integers(0, 3))):
                    if c.gsd <= 0.6 and pitch > 18:
                        vehicle(c, x + pitch * 0.5 + float(rng.normal(0, 1)), y - float(rng.uniform(0.3, 0.5)) * length,
                                float(rng.uniform(0, 6.28)), str(rng.choice(["car", "van", "truck"])))  # fmt: skip
            x += pitch
        y += across * float(rng.uniform(1.35, 1.8))
    if rng.random() < 0.45:
        kind, length, _ = theme
        airplane(
            c, cx + float(rng.uniform(-0.4, 0.4)) * w, taxi_y + 11, 0.0 if rng.random() < 0.5 else math.pi, length, kind
        )
    if rng.random() < 0.25 and theme[0] != "fighter":
        airplane(c, cx + float(rng.uniform(-0.4, 0.4)) * w, runway_y, math.pi, theme[1], theme[0])
