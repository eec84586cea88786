"""Roads that cross on bridges: overpasses, cloverleaves, diamonds, roundabouts above a road, flyovers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.expressway import (
    LANE,
    Highway,
    beside,
    countryside,
    curve,
    expressway,
    length,
    markings,
    pavement,
    piece,
    ramp,
    settle,
    traffic,
)
from rs2sam2.data.synthetic.materials import Material, brighter
from rs2sam2.data.synthetic.shapes import Points, along, arc, points, stroke
from rs2sam2.data.synthetic.site import Site


@dataclass(frozen=True)
class Upper:
    """A road or railway (``kind``: road, oneway, barrier, rail) that crosses above: its lanes or tracks, width, looks."""

    kind: str
    lanes: int
    width: float
    surface: Material
    deck: Material

    @classmethod
    def draw(cls, rng: np.random.Generator, kind: str, lanes: int) -> Upper:
        """One of usual looks: a deck like the road's, or of pale concrete."""
        surface = m.GRAVEL.tinted(float(rng.uniform(0.6, 0.85))) if kind == "rail" else pavement(rng)
        pale = m.CONCRETE.tinted(float(rng.uniform(0.85, 1.15)))
        deck = pale if kind != "rail" and rng.random() < 0.5 else surface.tinted(float(rng.uniform(0.9, 1.15)))
        width = lanes * (5.0 if kind == "rail" else LANE) + float(rng.uniform(1.6, 6.0)) + 1.5 * (kind == "barrier")
        return cls(kind, lanes, width, surface, deck)

    def lines(self, c: Canvas, path: Points) -> None:
        """What is marked or laid on it."""
        if self.kind == "rail":
            for k in range(self.lanes):
                track = beside(path, (k + 0.5 - self.lanes / 2) * 4.8)
                c.line(track, 2.6, (96, 88, 80), 0.55)
                for rail in (-0.75, 0.75):
                    c.line(beside(track, rail), 0.2, (176, 166, 154), 0.8)
            return
        if self.kind == "barrier":
            for side in (-1, 1):
                markings(c, beside(path, side * (self.lanes * LANE / 4 + 0.7)), self.lanes // 2)
            c.line(path, 0.7, (190, 188, 182), 0.9)
            return
        markings(c, path, self.lanes, self.kind == "road")

    def drive(self, c: Canvas, path: Points, level: float) -> None:
        """Its vehicles."""
        if self.kind != "rail":
            traffic(c, path, self.lanes, float(c.rng.uniform(30, 90)), level, self.kind != "oneway")


def banks(site: Site, path: Points, width: float, middle: float, half: float) -> None:
    """The earth on which a line of ``width`` rises to a deck within ``half`` of ``middle`` and falls again."""
    c, rng = site.canvas, site.canvas.rng
    slope = [m.GRASS, m.LAWN, m.DRY_GRASS, m.SCRUB][int(rng.integers(4))]
    foot, run = float(rng.uniform(8, 16)), float(rng.uniform(70, 180))
    for way in (-1, 1):
        bank = piece(path, middle + way * (half - 2 + run / 2), run / 2)
        fall = np.linspace(1, 0, len(bank))[::way, None]
        for side in (-1, 1):
            top, toe = beside(bank, side * (width / 2 + 1)), beside(bank, side * (width / 2 + 1 + foot))
            face = np.concatenate([top, (top + (toe - top) * fall)[::-1]])
            across = (toe - top)[len(bank) // 2]
            light = c.facing(math.atan2(float(across[1]), float(across[0])))
            c.paint(face, slope, 0.85, feather=1.0)
            c.paint(face, (250, 240, 220) if light > 0 else (20, 24, 26), 0.3 * abs(light), feather=1.0)


def crossing(site: Site, path: Points, upper: Upper, middle: float, half: float, level: float = 2.5) -> None:
    """The upper road along a line, on a deck within ``half`` of ``middle`` (metres from its start)."""
    c, rng = site.canvas, site.canvas.rng
    high = float(rng.uniform(5.5, 8.5)) * (1.0 if level < 2.7 else 1.7)
    width = upper.width
    deck = piece(path, middle, half)
    if rng.random() < 0.5:  # paved slopes under the deck's ends
        for way in (-1, 1):
            c.paint(stroke(piece(path, middle + way * (half - 2), 5.0), width + 5), m.CONCRETE.tinted(1.05), 0.9)
    c.paint(stroke(path, width + 2.5), m.GRAVEL, 0.8)
    c.paint(stroke(path, width), upper.surface)
    upper.lines(c, path)
    outline = stroke(deck, width + 0.8)
    c.shadow(outline, high, high - 2.2)
    c.hide(outline, level)
    rail = brighter((176, 174, 168), float(rng.uniform(0.8, 1.25)))
    joints = bool(rng.random() < 0.4)

    def paint() -> None:
        c.paint(outline, upper.deck)
        upper.lines(c, deck)
        for side in (-1, 1):
            c.line(beside(deck, side * (width / 2 + 0.1)), 0.6, rail)
        for way in (-1, 1) if joints else ():
            c.paint(stroke(piece(path, middle + way * (half - 0.5), 0.4), width), (70, 68, 66), 0.6)

    c.later(level, paint)
    c.instance("overpass", stroke(piece(path, middle, half + min(5.0, width / 3)), width + 0.8), level=level,
               kind=upper.kind)  # fmt: skip
    c.instance("road", stroke(path, width), level=level, kind=upper.kind)
    upper.drive(c, path, level + 0.1)
    for x, y in along(path, 7.0)[0].tolist():
        site.take(x, y, width / 2 + 4)


def bezier(*controls: Points) -> Points:
    """A cubic curve through the first and last of four points."""
    t = np.linspace(0, 1, 48)[:, None]
    p, q, r, s = controls
    line: Points = (1 - t) ** 3 * p + 3 * t * (1 - t) ** 2 * q + 3 * t**2 * (1 - t) * r + t**3 * s
    return line


def loop(corner: Points, a: Points, b: Points, radius: float) -> Points:
    """A loop ramp in the quadrant at ``corner`` between directions ``a`` and ``b``, tangent to both roads."""
    angle = math.acos(float(np.clip(a @ b, -1, 1)))
    reach = radius / math.tan(angle / 2)
    middle = corner + (a + b) / np.linalg.norm(a + b) * radius / math.sin(angle / 2)
    start = corner + a * reach - middle
    first = math.atan2(float(start[1]), float(start[0]))
    turn = math.copysign(math.pi + angle, float(a[0] * b[1] - a[1] * b[0]))
    # From the tangent point on one road away from the corner: around the far side.
    around = arc(float(middle[0]), float(middle[1]), radius, first, first + turn, 40)
    return np.concatenate([[corner + a * reach * 0.15], around, [corner + b * reach * 0.15]])


def overpasses(site: Site) -> None:
    """A road or railway above an expressway: plain crossings at any angle, parallel decks, interchanges, viaducts."""
    c, rng = site.canvas, site.canvas.rng
    country = countryside(site)
    frame = max(site.width, site.height)
    lower = Highway.draw(rng)
    x, y = (float(v) for v in np.array(site.middle) + rng.uniform(-0.15, 0.15, 2) * frame)
    heading = math.pi / 2 + (float(rng.uniform(-1.0, 1.0)) if rng.random() < 0.3 else float(rng.normal(0, 0.2)))
    forms = ["plain", "plain", "parallel", "viaduct"]
    if frame > 260:
        forms = ["plain", "parallel", "clover", "clover", "diamond", "roundabout", "flyover"]
    form = str(rng.choice(forms))
    if form == "clover":  # its loops want room on all sides
        heading = float(np.clip(heading, math.pi / 2 - 0.3, math.pi / 2 + 0.3))
    kind = str(rng.choice(["road", "road", "barrier", "rail"] if form in ("plain", "viaduct") else ["road", "barrier"]))
    count = {"rail": int(rng.integers(1, 3)), "road": int(rng.choice([2, 2, 4])), "barrier": int(rng.choice([4, 6, 8]))}
    upper = Upper.draw(rng, kind, count[kind])
    if form == "parallel":
        upper = Upper.draw(rng, "oneway", int(rng.integers(2, 5)))
    gap = float(rng.uniform(2, 16)) if form == "parallel" else 0.0
    breadth = upper.width * (2 if gap else 1) + gap
    origin, a, b = points([(x, y)])[0], np.array([1.0, 0.0]), np.array([math.cos(heading), math.sin(heading)])
    sine = math.sin(heading)
    surface = pavement(rng)
    side, edge = (breadth / 2) / sine, (lower.width / 2) / sine
    radius = float(np.clip(rng.uniform(0.06, 0.1) * frame, 26, 60))
    ramps: list[Points] = []
    some = float(rng.choice([1.0, 1.0, 0.5]))
    for i in (-1.0, 1.0):
        for j in (-1.0, 1.0):
            corner = origin + i * a * (side - 2) + j * b * (edge - 2)
            if form == "clover":
                if rng.random() < some:
                    ramps.append(loop(corner, i * a, j * b, radius))
                if rng.random() < 0.4 + 0.6 * some:
                    far = radius * float(rng.uniform(5.0, 6.0))
                    p, q = i * a * far, j * b * far
                    ramps.append(bezier(corner + p, corner + 0.6 * p, corner + 0.6 * q, corner + q))
            elif form in ("diamond", "roundabout") or (form == "flyover" and rng.random() < 0.5):
                far, near = float(rng.uniform(110, 220)), float(rng.uniform(16, 60))
                ramps.append(bezier(corner + i * a * far, corner + i * a * far * 0.5, corner + j * b * near + i * a * 40,
                                    corner + j * b * near))  # fmt: skip
    clear = float(rng.uniform(2, 14))
    path = curve(x, y, site.reach, float(rng.normal(0, 3e-4)) if not ramps else 0.0, 60.0)
    over = curve(x, y, site.reach, float(rng.choice([0.0, rng.normal(0, 1.5e-3)])) if not ramps else 0.0, 0.0, heading)
    high: list[Points] = []
    if form == "flyover":
        i, j = float(rng.choice([-1, 1])), float(rng.choice([-1, 1]))
        far = float(rng.uniform(0.5, 0.8)) * frame
        before, after = origin - j * b * edge * 1.2, origin - i * a * (side + 12)
        high.append(bezier(before + i * a * far, before, after, after + j * b * far))
    for px, py in np.concatenate([along(way, 7.0)[0] for way in (over, *ramps, *high)]).tolist():
        site.take(px, py, breadth / 2 + 4 if math.hypot(px - x, py - y) < 120 else 8)
    if form == "roundabout":
        site.take(x, y, 1.8 * (lower.width / 2 + clear) + 9)
    for way in ramps:
        c.paint(stroke(way, 16), m.LAWN, 0.6, feather=2.0)
    expressway(site, path, lower, float(rng.uniform(25, 90)), walls=0.1 if not ramps else 0.0)
    half = (lower.width / 2 + clear) / sine + abs(breadth / 2 / math.tan(heading))
    if form == "viaduct":
        half = float(rng.uniform(1, 3)) * half
    if form != "roundabout":
        banks(site, over, breadth, length(over) / 2, half)
    for way in ramps:  # over the banks, under what crosses
        ramp(site, way, float(rng.uniform(6.5, 9.5)), surface)
    if form == "roundabout":
        _roundabout(site, (x, y), heading, lower.width / 2 + clear, upper)
    else:
        for off in (1, -1) if gap else (0,):
            way = beside(over, off * (gap + upper.width) / 2)
            crossing(site, way if off >= 0 else way[::-1], upper, length(way) / 2, half)
    for way in high:
        single = Upper.draw(rng, "oneway", int(rng.integers(1, 3)))
        reach = length(way) * float(rng.uniform(0.18, 0.36))
        banks(site, way, single.width, length(way) / 2, reach)
        crossing(site, way, single, length(way) / 2, reach, 2.8)
    if not high and frame > 330 and rng.random() < 0.35:  # another one farther along
        u = x + float(rng.choice([-1, 1])) * frame * float(rng.uniform(0.3, 0.45))
        v = float(np.interp(u, path[:, 0], path[:, 1]))
        other, way = Upper.draw(rng, "road", 2), curve(u, v, site.reach, 0.0, 0.0, heading)
        banks(site, way, other.width, 2 * site.reach, half)
        crossing(site, way, other, 2 * site.reach, half)
    settle(site, country)


def _roundabout(site: Site, at: tuple[float, float], heading: float, half: float, upper: Upper) -> None:
    """A roundabout above the lower road, which it crosses on two curved decks, and the roads that lead to it."""
    c, rng = site.canvas, site.canvas.rng
    radius = half * float(rng.uniform(1.25, 1.8))
    ring = Upper("oneway", 2, 2 * LANE + float(rng.uniform(1.5, 4)), upper.surface, upper.deck)
    away = np.array([math.cos(heading), math.sin(heading)])
    for way in (-1, 1):
        path = np.linspace(np.array(at) + way * away * radius, np.array(at) + way * away * 2 * site.reach, 30)
        c.paint(stroke(path, upper.width), upper.surface)
        upper.lines(c, path)
        upper.drive(c, path, 2.4)
        for x, y in along(path, 7.0)[0].tolist():
            site.take(x, y, upper.width / 2 + 3)
    for start in (-math.pi / 2, math.pi / 2):
        part = arc(*at, radius, start, start + math.pi, 40)
        spread = radius * math.asin(min(0.95, half / radius))
        crossing(site, part, ring, radius * math.pi / 2, spread)
