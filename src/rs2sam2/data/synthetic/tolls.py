"""Toll stations, and the canopies over booths and pumps."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.canvas import PAVING, Canvas
from rs2sam2.data.synthetic.expressway import (
    Highway,
    countryside,
    curve,
    expressway,
    markings,
    settle,
    traffic,
)
from rs2sam2.data.synthetic.materials import Material, Rgb, brighter
from rs2sam2.data.synthetic.shapes import Points, along, place, points, rectangle, stroke
from rs2sam2.data.synthetic.site import Site
from rs2sam2.data.synthetic.structures import hall
from rs2sam2.data.synthetic.vehicles import vehicle

ROOFS: tuple[Rgb, ...] = ((72, 112, 168), (96, 132, 170), (214, 214, 210), (196, 198, 198), (150, 152, 152), (224, 222, 214),
                          (118, 122, 126), (162, 70, 58), (140, 82, 68), (98, 134, 116))  # fmt: skip
"""Sheet roofs over booths and pumps."""


def cover(rng: np.random.Generator) -> tuple[str, Rgb]:
    """The form and colour of a canopy: flat, ribbed, gabled, vaulted in units, arched, or bowed."""
    kind = str(rng.choice(["flat", "flat", "ribbed", "gable", "units", "arched", "bowed"]))
    return kind, brighter(ROOFS[int(rng.integers(len(ROOFS)))], float(rng.uniform(0.85, 1.12)))


def roof(
    c: Canvas, x: float, y: float, depth: float, width: float, heading: float, high: float, look: tuple[str, Rgb]
) -> Points:
    """A canopy ``high`` metres above the ground, ``depth`` along its heading, with the looks of a `cover`. Its outline."""
    rng, (kind, base) = c.rng, look
    v = np.linspace(-1, 1, 25)
    front = 1 - (0.35 if kind == "bowed" else 0.0) * v**2
    end = np.stack([depth / 2 * front, v * width / 2], 1)
    local = np.concatenate([end, (end * (-1, 1))[::-1]])
    outline = place(local, x, y, heading)
    if not c.fits(outline):
        return outline
    stripes = {"ribbed": (float(rng.uniform(1.5, 4)), heading + math.pi / 2, 0.07),
               "units": (float(rng.uniform(7, 14)), heading + math.pi / 2, 0.16)}.get(kind)  # fmt: skip
    rim, beams = bool(rng.random() < 0.5), bool(rng.random() < 0.4)
    edge = ROOFS[int(rng.integers(len(ROOFS)))]
    c.shadow(outline, high, high - 1.2)

    def paint() -> None:
        c.paint(outline, Material(base, 0.025, 0.02, 0.03, stripes=stripes))
        if kind in ("gable", "arched", "bowed"):
            n = 2 if kind == "gable" else 8
            for k in range(n):
                at = (k + 0.5) / n - 0.5
                light = c.facing(heading if at > 0 else heading + math.pi) * (0.8 if kind == "gable" else 1.6 * abs(at))
                strip = rectangle(at * depth, 0, depth / n, width)
                c.paint(place(strip, x, y, heading), (255, 255, 250) if light > 0 else (24, 27, 36), 0.3 * abs(light),
                        clip=outline)  # fmt: skip
        if rim:
            inner = place(local * (1 - 2.2 / depth, 1 - 2.2 / width), x, y, heading)
            c.paint(outline, brighter(edge, 1.05), 0.85, holes=[inner])
        if beams:
            for u in np.linspace(-0.5, 0.5, max(3, int(width / 9)))[1:-1]:
                bar = place(points([(-depth / 2, float(u) * width), (depth / 2, float(u) * width)]), x, y, heading)
                c.line(bar, 0.5, brighter(base, 0.8), 0.8)

    c.hide(outline, 3.2)
    c.later(3.2, paint)
    return outline


def _queue(c: Canvas, x: float, y: float, way: int, most: int) -> None:
    """Vehicles before a booth, where a lane's way is along x (1) or against it (-1), and one that has left it."""
    rng = c.rng
    at = x - way * float(rng.uniform(-1, 9))
    for _ in range(int(rng.integers(0, most + 1))):
        kind = str(rng.choice(["car", "car", "car", "van", "truck", "bus"]))
        long = 14.0 if kind in ("truck", "bus") else 6.0
        vehicle(c, at - way * long / 2, y + float(rng.normal(0, 0.2)), 0.0 if way > 0 else math.pi, kind)
        at -= way * (long + float(rng.uniform(1.0, 9.0)))
    if rng.random() < 0.35:
        vehicle(c, x + way * float(rng.uniform(18, 60)), y, 0.0 if way > 0 else math.pi)


def toll_station(site: Site) -> None:
    """A road that fans out to a row of toll booths under a canopy, on the expressway or on a ramp, with its offices."""
    c, rng = site.canvas, site.canvas.rng
    country = countryside(site)
    frame = max(site.width, site.height)
    road = Highway.draw(rng)
    ramp = bool(rng.random() < 0.45)
    count = int(rng.integers(4, 11)) if ramp else int(rng.integers(8, 21))
    count += int(rng.integers(2, 5)) if frame > 500 else 0
    pitch = float(rng.uniform(4.6, 5.6))
    x, y = (
        site.middle[0] + float(rng.uniform(-0.2, 0.2)) * frame,
        site.middle[1] + float(rng.uniform(-0.15, 0.15)) * frame,
    )
    narrow = (6.5 if rng.random() < 0.5 else 9.0) if ramp else road.width / 2
    wide = max(count * pitch / 2 + float(rng.uniform(1.5, 5)), narrow + 2)
    flat = float(rng.uniform(16, 45))
    taper = flat + (wide - narrow) * float(rng.uniform(2.2, 6.0)) + 15
    path = curve(
        x, y, site.reach, float(rng.choice([0, -1, 1])) * float(rng.uniform(5e-4, 4e-3 if ramp else 1e-3)), taper
    )
    for at in np.arange(-taper, taper + 9, 9.0).tolist():
        share = min(1.0, (taper - abs(at) + 9) / (taper - flat))
        site.take(x + at, y, narrow + (wide - narrow) * share + 4)
    if ramp:
        c.paint(stroke(path, 2 * narrow + 5), m.GRASS, feather=1.0)
        outline = stroke(path, 2 * narrow)
        c.paint(outline, road.surface)
        markings(c, path, 4 if narrow > 8 else 2, twoway=True)
        traffic(c, path, 4 if narrow > 8 else 2, 45.0, twoway=True)
        c.instance("road", outline, kind="ramp")
        for px, py in along(path, 8.0)[0].tolist():
            site.take(px, py, narrow + 3)
        if frame > 380 and rng.random() < 0.5:  # the expressway it leads to, above it
            side = float(rng.choice([-1, 1]))
            expressway(site, curve(x + side * (taper + 70), y, site.reach, 0.0, 0.0, 1.5), Highway.draw(rng))
    else:
        expressway(site, path, road, 70.0, walls=0.0)
    _plaza(site, x, y, count, pitch, (narrow, wide, flat, taper), road)
    settle(site, country)


def _plaza(site: Site, x: float, y: float, count: int, pitch: float, spindle: tuple[float, ...], road: Highway) -> None:
    """The spindle of concrete with booths, islands and canopy; ``spindle`` holds its half widths and half lengths."""
    c, rng = site.canvas, site.canvas.rng
    narrow, wide, flat, taper = spindle
    u = np.linspace(-taper, taper, 61)
    t = np.clip((taper - np.abs(u)) / (taper - flat), 0, 1)
    half = narrow + (wide - narrow) * t * t * (3 - 2 * t)
    whole = np.concatenate([np.stack([x + u, y + half], 1), np.stack([x + u, y - half], 1)[::-1]])
    verge = np.where(np.arange(len(whole)) < len(u), 2.5, -2.5)[:, None] * (0, 1)
    c.paint(whole + verge, m.GRAVEL if rng.random() < 0.5 else m.LAWN)
    c.paint(whole, road.surface)
    c.hide(whole + verge, category=PAVING)  # with the vehicles of the expressway that it widens
    if rng.random() < 0.75:
        slabs = (float(rng.uniform(4, 6)), 0.0, 0.05)
        apron = flat + float(rng.uniform(0, 0.7)) * (taper - flat)
        stuff = Material(brighter((164, 161, 152), float(rng.uniform(0.82, 1.15))), 0.03, 0.03, 0.04, slabs=slabs)
        c.paint(rectangle(x, y, 2 * apron, 2 * wide), stuff, clip=whole)
    for side in (-1, 1):
        c.line(points(np.stack([x + u, y + side * (half - 0.7)], 1)), 0.25, grounds.PAINT, 0.7)
    median = 0.0 if rng.random() < 0.4 else float(rng.uniform(0.8, 3.0))
    for side in (-1, 1):
        tip = (narrow * 0.04 + median) / 2
        strip = points([(x + side * taper, y - tip), (x + side * flat, y - median / 2), (x + side * flat, y + median / 2),
                        (x + side * taper, y + tip)])  # fmt: skip
        c.paint(strip, m.LAWN if median > 1 else (200, 190, 120))
        for k in range(int(rng.integers(0, 4))):  # rumble strips before the booths
            at = x + side * (flat + 6.0 + 7.0 * k)
            c.paint([rectangle(at + 0.9 * j, y, max(0.3, 0.4 * c.gsd), 2 * narrow, 0.0) for j in range(3)], grounds.PAINT,
                    0.6)  # fmt: skip
    out = round(count * float(rng.uniform(0.4, 0.6)))
    island, depth = float(rng.uniform(22, 38)), float(rng.uniform(9, 20))
    rows = [(k - count / 2) * pitch for k in range(count + 1)]
    queue = int(rng.integers(0, 5))
    nose: Rgb = grounds.YELLOW if rng.random() < 0.6 else (180, 84, 70)
    # Lanes with y above the middle run along x: traffic keeps right.
    for k in range(count):
        at, way = y + rows[k] + pitch / 2, (1 if k >= count - out else -1)
        c.line(points([(x - flat - 8, at), (x + flat + 8, at)]), 2.2, (62, 60, 58), float(rng.uniform(0.08, 0.3)))
        _queue(c, x, at, way, queue)
    for row in rows:
        for side in (-1, 1):
            reach = (x + side * island / 2, x + side * (island / 2 + flat * 0.9))
            c.line(points([(reach[0], y + row), (reach[1], y + row)]), 0.25, grounds.PAINT, 0.8)
        thick = pitch - 3.3
        body = stroke(points([(x - island / 2, y + row), (x + island / 2, y + row)]), thick)
        c.paint(body, (186, 182, 172))
        for side in (-1, 1):
            c.paint(rectangle(x + side * (island / 2 - 1.2), y + row, 2.6, thick), nose)
        booth = rectangle(x + float(rng.uniform(-2, 2)), y + row, 3.4, min(thick, 1.8))
        c.shadow(booth, 2.6)
        c.paint(booth, (210, 212, 210))
    gap = float(rng.uniform(1, 7)) if rng.random() < 0.22 and count > 7 else 0.0
    shift = float(rng.uniform(-9, 9)) if gap else 0.0
    middle = rows[count - out]
    ends = (rows[0] - pitch * 0.35, rows[-1] + pitch * 0.35)
    spans = [(ends[0], middle - gap / 2, shift), (middle + gap / 2, ends[1], -shift)] if gap else [(*ends, 0.0)]
    look = cover(rng)
    covers = [roof(c, x + off, y + (low + high) / 2, depth, high - low, 0.0, 6.5, look) for low, high, off in spans]
    long = max(island, depth + 2 * abs(shift))
    area = rectangle(x, y, long, rows[-1] - rows[0] + 0.7 * pitch)
    if c.fits(area, *covers):
        c.instance("expressway toll station", area, lanes=count)
    beyond = float(rng.choice([-1, 1]))
    for k in range(int(rng.integers(1, 3))):
        ox, oy = x + float(rng.uniform(-30, 30)), y + beyond * (wide + 22 + 26 * k)
        c.paint(rectangle(ox, oy, 66, 36), [m.LAWN, m.CONCRETE, m.ASPHALT][int(rng.integers(3))])
        grounds.car_park(c, ox + 24, oy, math.pi / 2, 26, 14, 0.5)
        hall(c, ox - 10, oy, 0.0, float(rng.uniform(18, 40)), float(rng.uniform(10, 16)), float(rng.uniform(5, 12)))
        site.take_rectangle(ox, oy, 66, 36)
