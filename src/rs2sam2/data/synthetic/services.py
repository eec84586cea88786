"""Service areas of expressways."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.expressway import Highway, beside, countryside, curve, expressway, pavement, settle, spot
from rs2sam2.data.synthetic.materials import Material, brighter
from rs2sam2.data.synthetic.shapes import Points, along, ellipse, place, points, rectangle, stroke
from rs2sam2.data.synthetic.site import Site
from rs2sam2.data.synthetic.structures import hall, house, tree
from rs2sam2.data.synthetic.tolls import cover, roof
from rs2sam2.data.synthetic.vehicles import vehicle


def service_area(site: Site) -> None:
    """Plazas with parking, shops and a petrol station on one or both sides of an expressway."""
    c, rng = site.canvas, site.canvas.rng
    country = countryside(site)
    frame = max(site.width, site.height)
    road = Highway.draw(rng)
    long = float(np.clip(rng.uniform(0.45, 0.95) * frame, 100, rng.uniform(180, 380)))
    deep = float(np.clip(long * rng.uniform(0.28, 0.55), 48, 150))
    gap = float(rng.uniform(4, 22))
    both = bool(rng.random() < (0.7 if frame > 330 else 0.25))
    first = int(rng.choice([-1, 1]))
    x = site.middle[0] + float(rng.uniform(-0.15, 0.15)) * frame
    away = road.width / 2 + gap + deep / 2
    y = site.middle[1] + float(rng.uniform(-0.1, 0.1)) * frame
    if not both:
        y -= first * away * float(rng.uniform(0.6, 1))
    path = curve(x, y, site.reach, float(rng.choice([0, -1, 1])) * float(rng.uniform(1e-4, 1e-3)), long * 0.8)
    stagger = float(rng.choice([0.0, 0.0, rng.uniform(-0.5, 0.5)])) * long
    style, tone = int(rng.integers(3)), float(rng.uniform(0.85, 1.15))
    plans = []
    for side in (first, -first) if both else (first,):
        size = (
            (long, deep)
            if side == first
            else (long * float(rng.uniform(0.8, 1.1)), deep * float(rng.uniform(0.7, 1.1)))
        )
        at = (x + (stagger if side != first else 0.0), y + side * (road.width / 2 + gap + size[1] / 2))
        for along_ in np.arange(-size[0] / 2 + 9, size[0] / 2, 14.0).tolist():
            for across in np.arange(-size[1] / 2 + 6, size[1] / 2 + 8, 12.0).tolist():
                site.take(at[0] + along_, at[1] + across, 9.5)
        ways = [_way(at, size, side, end, gap, float(rng.uniform(80, 200))) for end in (-1, 1)]
        for px, py in np.concatenate([along(way, 7.0)[0] for way in ways]).tolist():
            site.take(px, py, 7)
        plans.append((at, size, side, ways))
    expressway(site, path, road, float(rng.uniform(35, 90)), walls=0.0)
    surface = road.shoulder if rng.random() < 0.6 else pavement(rng)
    for at, size, side, ways in plans:
        for way in ways:
            c.paint(stroke(way[6:], 12.0), m.LAWN, 0.7, feather=1.0)
        for way in ways:
            c.paint(stroke(way, float(rng.uniform(7, 9))), surface)
            for off in (-3.0, 3.0):
                c.line(beside(way[3:], off), 0.2, grounds.PAINT, 0.7)
            if rng.random() < 0.7:
                px, py = way[int(rng.integers(6, 20))].tolist()
                vehicle(c, px, py, 0.0 if side > 0 else math.pi, str(rng.choice(["car", "truck"])))
        _services(site, at, size, 0.0 if side > 0 else math.pi, style, tone)
    settle(site, country)


def _way(at: tuple[float, float], size: tuple[float, float], side: int, end: int, gap: float, run: float) -> Points:
    """The way in or out at an end of a plaza at ``at``: from the expressway's shoulder over ``run`` metres."""
    edge, goal = at[1] - side * (size[1] / 2 + gap + 2.0), at[1] - side * size[1] * 0.15
    t = np.linspace(0, 1, 24)
    across = edge + (goal - edge) * t * t * (3 - 2 * t)
    return np.stack([at[0] + end * (size[0] * 0.4 + run * (1 - t)), across], 1)


def _bays(
    c: Canvas, at: tuple[float, float], heading: float, count: int, bay: tuple[float, float], slant: float, full: float
) -> None:
    """A row of ``count`` parking bays (width, length) from a point on along a heading, a share of them taken."""
    rng = c.rng
    wide, deep = bay
    line = max(0.13, 0.45 * c.gsd)
    step = wide / math.cos(slant)
    marks = [place(rectangle(k * step, 0, line, deep, slant), *at, heading) for k in range(count + 1)]
    if marks:
        c.paint(marks, grounds.PAINT, 0.85 * 0.16 / line if line > 0.16 else 0.85)
    for k in range(count):
        if rng.random() < full:
            x, y = spot((k + 0.5) * step, float(rng.normal(0, 0.25)), *at, heading)
            kind = ("van" if rng.random() < 0.1 else "car") if deep < 8 else ("bus" if rng.random() < 0.12 else "truck")
            flip = math.pi if deep < 8 and rng.random() < 0.5 else 0.0
            vehicle(c, x, y, heading + slant + math.pi / 2 + flip + float(rng.normal(0, 0.02)), kind)


def _services(
    site: Site, at: tuple[float, float], size: tuple[float, float], heading: float, style: int, tone: float
) -> None:
    """One side's plaza around ``at``; its own y axis (at ``heading``) leads away from the expressway."""
    c, rng = site.canvas, site.canvas.rng
    a, b = size[0] / 2, size[1] / 2
    cut = [float(v) for v in rng.uniform(0.05, 0.45, 4)]
    corners = [(-a, -b * 0.55), (-a * (1 - cut[0]), -b), (a * (1 - cut[1]), -b), (a, -b * 0.55), (a, b * 0.2),
               (a * (1 - cut[2]), b), (-a * (1 - cut[3]), b), (-a, b * 0.2)]  # fmt: skip

    def put(u: float, v: float) -> tuple[float, float]:
        return spot(u, v, *at, heading)

    plaza = place(corners, *at, heading)
    for _ in range(int(rng.integers(0, 3))):  # cut the corners: a rounder plaza
        after = np.roll(plaza, -1, 0)
        plaza = np.stack([0.78 * plaza + 0.22 * after, 0.22 * plaza + 0.78 * after], 1).reshape(-1, 2)
    surface = [m.ASPHALT, m.CONCRETE, m.NEW_ASPHALT.tinted(1.15)][style].tinted(tone)
    c.paint(stroke(np.concatenate([plaza, plaza[:1]]), 5.0), m.LAWN, feather=1.0)
    c.paint(plaza, surface)
    busy = float(rng.uniform(0.2, 1.0))
    pump = float(rng.choice([-1, 1]))  # at which end one fills up
    station = put(pump * a * 0.72, -b * 0.05)
    turn = heading + float(rng.choice([0.0, math.pi / 2, 0.3]))
    pad = rectangle(*station, 34, 26, turn)
    c.paint(pad, m.CONCRETE.tinted(1.08))
    deep, wide = float(rng.uniform(11, 17)), float(rng.uniform(18, 30))
    for k in range(3):
        stop = spot(0, (k - 1) * wide / 3.4, *station, turn)
        for end in (-1, 1):
            if rng.random() < 0.5:
                vehicle(c, *spot(end * 5.0, 2.2, *stop, turn), turn)
    roof(c, *station, deep, wide, turn, 5.5, cover(rng))
    shop = put(pump * a * 0.72, b * 0.42)
    hall(c, *shop, heading, float(rng.uniform(12, 20)), float(rng.uniform(7, 10)), 4.5, "flat")
    low, high = (-a * 0.88, a * 0.42) if pump > 0 else (-a * 0.42, a * 0.88)
    court = _buildings(c, put((low + high) / 2, b * 0.62), heading, high - low, b)
    c.instance("expressway service area", [plaza, pad, court], length_m=round(size[0], 1))
    _parking(c, at, heading, (a, b), (low, high), a * (0.92 - max(cut[:2])), busy)
    for _ in range(int(rng.integers(1, 6))):
        x, y = put(float(rng.uniform(-0.8, 0.8)) * a, -b * 0.82)
        vehicle(c, x, y, heading, str(rng.choice(["car", "truck", "van"])))
    if rng.random() < 0.5:  # trees behind the buildings
        for x, y in along(points([put(-0.8 * a, b + 10), put(0.8 * a, b + 10)]), float(rng.uniform(6, 14)))[0].tolist():
            tree(c, x, y, float(rng.uniform(2, 4.2)))


def _parking(
    c: Canvas,
    at: tuple[float, float],
    heading: float,
    half: tuple[float, float],
    span: tuple[float, float],
    trim: float,
    busy: float,
) -> None:
    """Rows of bays over the front of a plaza, within ``span`` along it, within ``trim`` where its corners are cut."""
    rng = c.rng
    # Cars park before the shops, lorries towards the expressway.
    b, (low, high) = half[1], span
    back, front = b * 0.3, -b * 0.86
    slant = float(rng.choice([0.0, 0.0, 0.5, 0.8]))
    cars = front + (back - front) * float(rng.choice([0.0, 0.4, 0.5, 0.6]))  # from here on
    islands, v, row = bool(rng.random() < 0.6), front, 0
    while True:
        lorries = v < cars - 8
        wide, deep, tilt = (4.2, 16.0, slant) if lorries else (2.7, 5.2, 0.0)
        if v + deep > back + 2:
            break
        step = wide / math.cos(tilt)
        start, end = (low, high) if v > -b * 0.5 else (max(low, -trim), min(high, trim))
        count = int((end - start) / step) - 1
        gaps = max(1, round(count * step / float(rng.uniform(40, 90))))
        each = count // gaps - 1
        for k in range(gaps if each > 2 else 0):
            u = start + k * (each + 1) * step + step
            full, middle = busy * float(rng.uniform(0.6, 1.1)), spot(u, v + deep / 2, *at, heading)
            _bays(c, middle, heading, each, (wide, deep), tilt, full)
            if islands and not lorries:
                _island(c, spot(u - step / 2, v + deep / 2, *at, heading), heading, deep)
        v += deep
        if lorries:
            v += 9.0
        elif row % 2 == 0:
            v += 6.5
        elif islands and v + 2 * deep < back:
            c.paint(rectangle(*spot((low + high) / 2, v + 1.2, *at, heading), (high - low) * 0.9, 2.0, heading), m.LAWN)
            bed = place(points([(low * 0.9, v + 1.2), (high * 0.9, v + 1.2)]), *at, heading)
            for px, py in along(bed, 9.0)[0].tolist():
                _shrub(c, px, py)
            v += 2.6
        row += 0 if lorries else 1


def _shrub(c: Canvas, x: float, y: float) -> None:
    """A young tree in a bed: part of the plaza, unlike the trees that are recorded."""
    size, tone = float(c.rng.uniform(1.0, 2.2)), float(c.rng.uniform(0.7, 1.2))
    crown = ellipse(x, y, size, corners=14)
    c.shadow(crown, 2.0, 0.5)

    def paint() -> None:
        c.paint(crown, Material(brighter((58, 78, 40), tone), 0.2, 0.1))
        dx, dy = c.shadow_offset(0.3 * size)
        c.paint(ellipse(x - dx, y - dy, 0.5 * size, corners=10), (96, 116, 66), 0.5)

    c.later(3.5, paint)


def _island(c: Canvas, at: tuple[float, float], heading: float, deep: float) -> None:
    """A kerbed bed with a shrub at the end of a row of bays."""
    c.paint(rectangle(*at, 2.0, deep, heading), m.LAWN.tinted(1.05))
    _shrub(c, *at)


def _buildings(c: Canvas, at: tuple[float, float], heading: float, room: float, b: float) -> Points:
    """The main building or two: halls, wings across, or pitched roofs, in ``room`` metres. The outline of their court."""
    rng = c.rng
    deep = float(np.clip(b * rng.uniform(0.3, 0.5), 11, 32))
    long = float(np.clip(room * rng.uniform(0.35, 0.7), 18, 95))
    paving = m.CONCRETE.tinted(float(rng.uniform(0.95, 1.15))) if rng.random() < 0.6 else m.LAWN
    court = rectangle(*at, min(room, long + 30), deep + 12, heading)
    c.paint(court, paving)
    parts = [(0.0, 0.0, long, deep)]
    form = int(rng.integers(4))
    if form == 1:
        parts = [(-long * 0.28, 0.0, long * 0.5, deep), (long * 0.3, 0.0, long * 0.4, deep * 0.8)]
    elif form == 2:
        parts += [
            (-long * 0.35, -deep * 0.45, long * 0.22, deep * 0.7),
            (long * 0.35, -deep * 0.45, long * 0.22, deep * 0.7),
        ]
    elif form == 3:
        parts += [(0.0, -deep * 0.4, long * 0.3, deep * 0.6)]
    pitched, tall = bool(rng.random() < 0.25), float(rng.uniform(5, 11))
    kind = "ribbed" if rng.random() < 0.35 else "flat"
    for u, v, p, q in parts:
        x, y = spot(u, v, *at, heading)
        if pitched:
            house(c, x, y, heading, p, q)
        else:
            hall(c, x, y, heading, p, q, tall, kind)
    return court
