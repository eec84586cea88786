"""Expressways and the country they run through: two carriageways, their traffic, what stands beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Material, Rgb, brighter
from rs2sam2.data.synthetic.shapes import Points, along, place, rectangle, stroke
from rs2sam2.data.synthetic.site import Site, scatter_trees, tree_line
from rs2sam2.data.synthetic.structures import hall, house
from rs2sam2.data.synthetic.vehicles import vehicle

LANE = 3.7
CROPS: tuple[Rgb, ...] = ((92, 112, 60), (118, 124, 72), (150, 138, 96), (128, 104, 76), (74, 98, 54), (140, 148, 84),
                          (104, 88, 66), (84, 104, 58))  # fmt: skip


def pavement(rng: np.random.Generator) -> Material:
    """What a road is made of: asphalt from black to worn grey, or concrete."""
    kind = [m.ASPHALT, m.ASPHALT, m.NEW_ASPHALT, m.CONCRETE.tinted(0.92)][int(rng.integers(4))]
    return kind.tinted(float(rng.uniform(0.85, 1.2)))


@dataclass(frozen=True)
class Highway:
    """The cross-section of a road with two carriageways of ``lanes`` lanes each; widths in metres."""

    lanes: int
    median: float
    inner: float
    outer: float
    surface: Material
    shoulder: Material
    middle: str

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Highway:
        """A usual one: its median is a barrier, a hedge, grass or gravel."""
        middle = str(rng.choice(["barrier", "hedge", "grass", "gravel"]))
        median = float({"barrier": rng.uniform(0.8, 2.5), "hedge": rng.uniform(2, 4)}.get(middle, rng.uniform(3, 14)))
        surface = pavement(rng)
        shoulder = surface if rng.random() < 0.6 else m.ASPHALT.tinted(float(rng.uniform(0.8, 1.2)))
        return cls(int(rng.choice([2, 2, 3, 4])), median, float(rng.uniform(0.7, 1.8)), float(rng.uniform(2.4, 3.4)),
                   surface, shoulder, middle)  # fmt: skip

    @property
    def half(self) -> float:
        """The width of one carriageway with its shoulders."""
        return self.lanes * LANE + self.inner + self.outer

    @property
    def width(self) -> float:
        """The width from outer edge to outer edge."""
        return 2 * self.half + self.median


def beside(path: Points, distance: float) -> Points:
    """A line moved sideways, to the right of its way for positive distances."""
    step = np.gradient(path, axis=0)
    step /= np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
    return path + distance * np.stack([-step[:, 1], step[:, 0]], 1)


def spot(u: float, v: float, x: float, y: float, heading: float) -> tuple[float, float]:
    """Where a point given along and across a heading from (x, y) lies."""
    cos, sin = math.cos(heading), math.sin(heading)
    return x + u * cos - v * sin, y + u * sin + v * cos


def curve(x: float, y: float, reach: float, bend: float = 0.0, straight: float = 0.0, heading: float = 0.0) -> Points:
    """A road through (x, y): straight for a length on both sides, then bending off by ``bend`` (1 / metres)."""
    u = np.linspace(-2 * reach, 2 * reach, 81)
    return place(np.stack([u, bend / 2 * np.maximum(np.abs(u) - straight, 0) ** 2], 1), x, y, heading)


def piece(path: Points, middle: float, half: float) -> Points:
    """The part of a line within ``half`` of the distance ``middle`` from its start."""
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.linspace(max(0.0, middle - half), min(float(run[-1]), middle + half), 40)
    return np.stack([np.interp(at, run, path[:, 0]), np.interp(at, run, path[:, 1])], 1)


def length(path: Points) -> float:
    """How long a line is."""
    return float(np.hypot(*np.diff(path, axis=0).T).sum())


def stream(c: Canvas, path: Points, spacing: float, level: float | None = None) -> None:
    """A lane of vehicles driving along a line, ``spacing`` metres apart on average."""
    last = -99.0
    spots, turns = along(path, 6.0)
    for k, ((x, y), turn) in enumerate(zip(spots.tolist(), turns.tolist(), strict=True)):
        if 6.0 * k - last > 17 and c.rng.random() < 6.0 / spacing:
            last = 6.0 * k
            kind = str(c.rng.choice(["car", "car", "car", "car", "van", "truck", "truck", "bus"]))
            vehicle(c, x, y, turn, kind, level)


def markings(c: Canvas, path: Points, count: int, twoway: bool = False) -> None:
    """Wheel tracks and lines of ``count`` lanes on paving around a line, a yellow line between the ways if two."""
    edge = count * LANE / 2
    for k in range(count):
        c.line(beside(path, (k + 0.5) * LANE - edge), 1.8, (52, 52, 54), 0.12)
    for k in range(1, count):
        line = beside(path, k * LANE - edge)
        if twoway and 2 * k == count:
            c.line(line, 0.3, grounds.YELLOW, 0.8)
        else:
            grounds.dashes(c, line, 12.0, 5.0, grounds.PAINT)
    for side in (-1, 1):
        c.line(beside(path, side * edge), 0.2, grounds.PAINT, 0.7)


def traffic(c: Canvas, path: Points, count: int, gap: float, level: float | None = None, twoway: bool = False) -> None:
    """Vehicles in ``count`` lanes around a line; they drive along it, or on its left half against it."""
    for k in range(count):
        lane = beside(path, (k + 0.5 - count / 2) * LANE)
        against = twoway and k < count / 2
        stream(c, lane[::-1] if against else lane, gap * float(c.rng.uniform(0.7, 1.6)), level)


def expressway(site: Site, path: Points, road: Highway, gap: float = 60.0, walls: float = 0.2) -> None:
    """An expressway along a line, beside it a noise wall with a chance of ``walls`` a side, or trees."""
    c, rng = site.canvas, site.canvas.rng
    verge = float(rng.uniform(2, 9))
    c.paint(stroke(path, road.width + 2 * verge), [m.LAWN, m.GRASS, m.DRY_GRASS, m.GRAVEL][int(rng.integers(4))], 0.85,
            feather=1.5)  # fmt: skip
    c.paint(stroke(path, road.width + 1.0), m.GRAVEL)
    outlines = [stroke(beside(path, side * (road.median + road.half) / 2), road.half) for side in (-1, 1)]
    c.paint(outlines, road.shoulder)
    middle = {"grass": m.LAWN, "hedge": m.GRASS, "gravel": m.SAND.tinted(0.9), "barrier": road.shoulder}[road.middle]
    c.paint(stroke(path, road.median), middle)
    for side in (-1, 1):
        way = beside(path, side * (road.median / 2 + road.inner + road.lanes * LANE / 2))
        c.paint(stroke(way, road.lanes * LANE), road.surface)
        markings(c, way, road.lanes)
        traffic(c, way if side > 0 else way[::-1], road.lanes, gap)
        c.line(beside(path, side * (road.median + 0.8) / 2), 0.35, (176, 176, 172), 0.6)
        c.line(beside(path, side * (road.width / 2 + 0.4)), 0.35, (176, 176, 172), 0.5)
    if road.middle == "barrier":
        c.line(path, 0.7, (192, 190, 184), 0.9)
    c.instance("road", outlines, kind="expressway")
    for x, y in along(path, 8.0)[0].tolist():
        site.take(x, y, road.width / 2 + 2.0)
    if road.middle == "hedge":
        c.line(path, 0.55 * road.median, (54, 74, 40))
        c.roughen([stroke(path, 0.6 * road.median)], 0.15)
    for side in (-1, 1):
        if rng.random() < walls:
            wall = stroke(beside(path, side * (road.width / 2 + 1.5)), 0.6)
            c.shadow(wall, 4.0)
            tone = brighter((150, 152, 150), float(rng.uniform(0.8, 1.3)))
            c.later(2.0, lambda wall=wall, tone=tone: c.paint(wall, tone))  # type: ignore[misc]
        elif rng.random() < 0.45:
            for row in range(int(rng.integers(1, 4))):
                off = side * (road.width / 2 + 7 + 6 * row)
                tree_line(site, beside(path, off), float(rng.uniform(6, 12)), 2, 4.2)


def ramp(site: Site, path: Points, width: float, surface: Material) -> None:
    """A one-way road between two others."""
    c = site.canvas
    c.paint(stroke(path, width + 3), m.GRAVEL, 0.6)
    c.paint(stroke(path, width), surface)
    for side in (-1, 1):
        c.line(beside(path, side * (width / 2 - 0.7)), 0.2, grounds.PAINT, 0.7)
    traffic(c, path, 1, 90.0)
    for x, y in along(path, 6.0)[0].tolist():
        site.take(x, y, width / 2 + 2)


def countryside(site: Site) -> tuple[str, list[tuple[float, float, float]]]:
    """Cover the canvas with the ground and lesser roads of some kind of country; `settle` builds on it later.

    Gives the kind, and the places and headings (x, y, heading) of houses along streets.
    """
    plots: list[tuple[float, float, float]] = []
    c, rng = site.canvas, site.canvas.rng
    kind = str(rng.choice(["fields", "fields", "woods", "grass", "dry", "suburb", "works"]))
    ground = {"woods": m.FOREST_FLOOR, "dry": m.DRY_GRASS if rng.random() < 0.6 else m.SOIL, "suburb": m.LAWN,
              "works": m.GRASS if rng.random() < 0.6 else m.CONCRETE.tinted(0.9)}.get(kind, m.GRASS)  # fmt: skip
    c.fill(ground.tinted(float(rng.uniform(0.85, 1.15))))
    if kind == "fields":
        turn, long, wide = float(rng.choice([0.0, rng.uniform(0, 1.5)])), rng.uniform(50, 200), rng.uniform(18, 110)
        for u in np.arange(-1.5 * site.reach, 1.5 * site.reach, long):
            v, shift = -1.5 * site.reach, float(rng.uniform(0, 0.5)) * long
            while v < 1.5 * site.reach:
                deep = float(wide * rng.uniform(0.5, 1.5))
                middle = spot(float(u) + shift, v + deep / 2, *site.middle, turn)
                rgb = brighter(CROPS[int(rng.integers(len(CROPS)))], float(rng.uniform(0.85, 1.15)))
                rows = (float(rng.choice([2.2, 4.0, 9.0])), turn + float(rng.choice([0, math.pi / 2])), 0.06)
                soil = Material(rgb, 0.05, 0.05, 0.06, brighter(rgb, 1.15), 0.4, stripes=rows)
                c.paint(rectangle(*middle, float(long) - 1.5, deep - 1.5, turn), soil, feather=0.7)
                v += deep
    local = str(rng.choice(["street", "lane", "lane", "dirt"]))
    turn = float(rng.uniform(0, math.pi))
    apart = float(rng.uniform(60, 75)) * (1.0 if site.reach < 450 else 1.5)  # fewer houses where they are specks
    ways = np.arange(-site.reach, site.reach, apart) if kind == "suburb" else rng.uniform(-1, 1, 2) * site.reach * 0.7
    for off in ways.tolist():
        x, y = spot(0, off, *site.middle, turn)
        bend = 0.0 if kind == "suburb" else float(rng.normal(0, 1.5e-3))
        path, wide = curve(x, y, site.reach, bend, 0.0, turn), 4.0 if local == "dirt" else 7.0
        grounds.road(c, path, wide, local)
        for px, py in along(path, wide)[0].tolist():
            site.take(px, py, wide / 2 + 1)
        if kind == "suburb" and rng.random() < 0.85:
            for row in (-1, 1):
                spots = along(beside(path, row * 15.0), float(rng.uniform(16, 30)))[0]
                plots += [(px, py, turn) for px, py in spots.tolist()]
        if kind != "suburb":
            turn += float(rng.uniform(0.8, 1.6))
    return kind, plots


def settle(site: Site, country: tuple[str, list[tuple[float, float, float]]]) -> None:
    """Houses, halls and trees on what the roads left free of a `countryside`."""
    kind, plots = country
    c, rng = site.canvas, site.canvas.rng
    area = site.width * site.height
    for x, y, turn in plots:
        px, py = (c.to_pixels([(x, y)])[0] * c.gsd).tolist()  # streets reach far beyond the picture
        seen = -15 < px < site.width + 15 and -15 < py < site.height + 15
        if seen and rng.random() < 0.9 and site.free(x, y, 9):
            house(c, x, y, turn, float(rng.uniform(11, 17)), float(rng.uniform(8, 11)))
            site.take(x, y, 8)
    turn = float(rng.uniform(0, 1.5))
    for _ in range(min(80, int(area * {"fields": 6e-5, "works": 2e-4}.get(kind, 1e-5)))):
        free = site.spot(11, 6)
        if free and kind != "works":
            house(c, *free, turn + float(rng.choice([0, math.pi / 2])), float(rng.uniform(10, 18)),
                  float(rng.uniform(8, 11)))  # fmt: skip
            site.take(*free, 10)
        elif kind == "works" and (free := site.spot(34, 12)):
            c.paint(rectangle(*free, 60, 44, turn), m.CONCRETE.tinted(float(rng.uniform(0.75, 1.05))))
            hall(c, *free, turn, float(rng.uniform(30, 52)), float(rng.uniform(16, 34)), float(rng.uniform(6, 12)),
                 str(rng.choice(["ribbed", "flat"])))  # fmt: skip
            site.take(*free, 32)
    share = {"woods": 9e-3, "suburb": 4e-3, "grass": 1.5e-3 * float(rng.random()), "dry": 8e-4}.get(kind, 7e-4)
    scatter_trees(site, min(2600, int(share * area)), 2.2, 4.5 + 1.5 * c.gsd, 0.25 if kind == "woods" else 0.7)
