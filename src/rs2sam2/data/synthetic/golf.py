"""Golf courses: fairways, greens, tees, bunkers, ponds and trees, and the land around them."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.fairways import TURFS, Course, blob, golf_hole, ribbon
from rs2sam2.data.synthetic.materials import Material, Rgb, brighter
from rs2sam2.data.synthetic.shapes import Points, along, ellipse, place, rectangle, shifted, stroke, winding
from rs2sam2.data.synthetic.site import Site, scatter_trees
from rs2sam2.data.synthetic.structures import ROOFS, hall, house, tree
from rs2sam2.data.synthetic.water import water

WOOD = Material((46, 60, 36), 0.18, 0.2, 0.1, (62, 74, 42), 0.35)
HOLE_AREA = 34_000.0
"""Square metres of ground a hole takes."""


def golf_course(site: Site) -> None:
    """A golf course of one to eighteen holes in a park, a wood, a desert, by the sea, or among houses."""
    c, rng = site.canvas, site.canvas.rng
    w, h = site.width, site.height
    frame = max(w, h)
    kind = str(rng.choice(["park", "wood", "links", "desert", "estate"], p=(0.38, 0.2, 0.12, 0.12, 0.18)))
    climate = {"links": "dry", "desert": "desert"}.get(kind, "lush" if rng.random() < 0.8 else "dry")
    turf = TURFS[climate][int(rng.integers(len(TURFS[climate])))]
    turf = replace(turf, rough=turf.rough.tinted(float(rng.uniform(0.92, 1.25))),
                   fairway=brighter(turf.fairway, float(rng.uniform(0.95, 1.25))))  # fmt: skip
    course = Course(
        w * float(rng.uniform(0.25, 0.75)), h * float(rng.uniform(0.25, 0.75)), float(rng.uniform(0, math.pi)),
        float(rng.uniform(8, 40)), float(rng.uniform(500, 1200)), float(rng.uniform(0, 6.28)), turf,
    )  # fmt: skip
    holes = float(np.clip(frame * frame * rng.uniform(0.12, 1.1) / HOLE_AREA, 1.5, 18))
    radius = math.sqrt(holes * HOLE_AREA / math.pi) * (1.35 if kind == "estate" else 1.0)
    stretch = float(rng.uniform(1.0, 1.35 if kind != "links" else 1.8))
    edge = blob(rng, 0, 0, radius, 0.12, stretch, corners=96)
    parts = [(course, edge)]
    if holes > 5 and kind != "estate" and rng.random() < 0.75:  # the holes of one half run another way
        at = float(rng.uniform(-0.3, 0.3)) * radius
        turn = float(rng.uniform(0.6, 2.5))
        near, far = edge.copy(), edge.copy()
        near[:, 0], far[:, 0] = np.clip(edge[:, 0], -9e9, at), np.clip(edge[:, 0], at, 9e9)
        parts = [(course, near), (replace(course, turn=turn), place(far, 0, 0, -turn))]
    out, woods = _surroundings(site, course, kind, edge)
    pitch = float(rng.uniform(72, 100)) + (88 if kind == "estate" else 0)
    wide = pitch - float(rng.uniform(76, 88)) if kind == "estate" else float(rng.uniform(0.95, 1.2)) * pitch
    lanes = [(part, lane) for part, ring in parts for lane in _lanes(ring, pitch, rng)]
    ground = [course.at(edge)]
    if kind == "estate":
        ground = [_corridor(rng, part, lane, wide) for part, lane in lanes]
        for k, ((_, (a, b, v)), (_, (d, e, t))) in enumerate(pairwise(lanes)):  # from one lane to the next at an end
            u = min(b, e) - 0.4 * wide if k % 2 else max(a, d) + 0.4 * wide
            ground.append(stroke(course.at([(u, v), (u, (v + t) / 2), (u, t)]), 0.6 * wide))
    elif kind == "wood" or (kind == "desert" and rng.random() < 0.6):
        ground = [_corridor(rng, part, lane, wide) for part, lane in lanes]
    c.paint(ground, WOOD if kind == "wood" else turf.rough, feather=min(4.0, 2 * c.gsd))
    trees = {
        "park": float(rng.uniform(0.3, 1.2)),
        "wood": 1.0 if c.gsd < 1.5 else 0.3,
        "links": 0.03,
        "desert": 0.15,
        "estate": 0.35,
    }[kind]
    c.instance("golf field", ground, kind=kind)
    path: Rgb = ((186, 178, 162), (196, 194, 188), (120, 118, 116), (160, 138, 110))[int(rng.integers(4))]
    for k, (part, (low, high, v)) in enumerate(lanes):
        if kind == "wood":  # aisles cut into the wood
            aisle = _corridor(rng, part, (low, high, v), pitch * float(rng.uniform(0.62, 0.85)))
            c.paint(aisle, turf.rough, feather=min(4.0, 2 * c.gsd))
        u = low + float(rng.uniform(8, 40))
        while high - u > 95:
            length = min(float(rng.choice([130, 330, 380, 480])) * float(rng.uniform(0.85, 1.15)), high - 16 - u)
            golf_hole(site, part, u, v, length, pitch, k % 2 == 1, path)
            u += length + float(rng.uniform(28, 60))
        _tree_belt(site, part, low, high, v, pitch, trees)
    if kind == "estate":
        for k, ((_, (a, b, v)), (_, (d, e, t))) in enumerate(pairwise(lanes)):
            low, high = max(a, d) + (0.8 * wide if k % 2 == 0 else 0), min(b, e) - (0.8 * wide if k % 2 else 0)
            if abs(t - v) < 1.3 * pitch and high - low > 60:
                _street(site, course.at(_straight(low, high, (v + t) / 2)), 19)
    _clubhouse(site, course, edge, kind, out)
    scatter_trees(site, min(int(frame * frame * rng.uniform(0.0, 0.0012)), 500), 2.5, 6.0, 0.8)
    if c.gsd < 1.5:  # from near, crowns stand out of a wood
        for wood in woods:
            for at, share in zip(rng.integers(len(wood), size=320), np.sqrt(rng.uniform(0, 1, 320)), strict=True):
                x, y = (wood.mean(0) + share * (wood[at] - wood.mean(0))).tolist()
                _crown(site, x, y, float(rng.uniform(2.5, 6.0)))


def _straight(low: float, high: float, v: float) -> Points:
    return np.stack([np.linspace(low, high, 24), np.full(24, v)], 1)


def _corridor(rng: np.random.Generator, course: Course, lane: tuple[float, float, float], wide: float) -> Points:
    """The mown ground along a lane, its edges wavering."""
    low, high, v = lane
    t = np.linspace(0, 1, 24)
    half = wide / 2 * (1 + 0.1 * np.sin((high - low) / 60 * t + rng.uniform(0, 6)) + 0.06 * rng.normal(size=24))
    half *= np.minimum(1, np.sqrt(np.minimum(t, 1 - t) * (high - low) / wide * 1.6 + 0.1))
    return ribbon(course.at(_straight(low - 20, high + 20, v)), half)


def _lanes(edge: Points, pitch: float, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Where lines across an outline run inside it: (from, to, v) about every ``pitch`` metres, one at least."""
    found = []
    a, b = edge, np.roll(edge, -1, 0)
    v = float(edge[:, 1].min()) + pitch * float(rng.uniform(0.35, 0.6))
    while v < edge[:, 1].max() - 0.3 * pitch:
        cross = (a[:, 1] - v) * (b[:, 1] - v) < 0
        u = np.sort(a[cross, 0] + (v - a[cross, 1]) / (b[cross, 1] - a[cross, 1]) * (b[cross, 0] - a[cross, 0]))
        runs = u[: len(u) // 2 * 2].reshape(-1, 2).tolist()
        found += [(low + 12, high - 12, v) for low, high in runs if high - low > 130]
        v += pitch * float(rng.uniform(0.92, 1.15))
    return found or [(float(edge[:, 0].min()), float(edge[:, 0].max()), 0.0)]


def _tree_belt(site: Site, course: Course, low: float, high: float, v: float, pitch: float, density: float) -> None:
    """Trees in lines and clumps between a lane of holes and the next."""
    rng = site.canvas.rng
    for _ in range(int((high - low) / 4 * density)):
        u = float(rng.uniform(low, high))
        if math.sin(u / 37 + v) + math.sin(u / 91 + 2 * v) < -0.4:
            continue
        across = v + pitch / 2 * float(rng.choice([-1, 1])) + float(rng.normal(0, 0.09 * pitch))
        x, y = course.at([(u, across)])[0].tolist()
        _crown(site, x, y, float(rng.uniform(2.5, 6.0)))


def _crown(site: Site, x: float, y: float, radius: float) -> None:
    """A tree, if the picture sees it and nothing else is there."""
    seen = site.canvas.to_pixels([(x, y)])[0] * site.canvas.gsd
    if -20 < seen[0] < site.width + 20 and -20 < seen[1] < site.height + 20 and site.free(x, y, radius * 0.6):
        tree(site.canvas, x, y, radius)


def _clubhouse(site: Site, course: Course, edge: Points, kind: str, landward: float | None) -> None:
    """The club house with its car park and drive outside the course."""
    c, rng = site.canvas, site.canvas.rng
    k = int(rng.integers(len(edge)))
    if landward is not None:
        k = int(np.argmax(course.at(edge) @ (math.cos(landward), math.sin(landward))))
    out = edge[k] / np.hypot(*edge[k])
    x, y = course.at([edge[k] + 42 * out])[0].tolist()
    px, py = course.at([edge[k] + 92 * out])[0].tolist()
    face = math.atan2(py - y, px - x)
    c.paint(ellipse(x, y, 36), m.LAWN, feather=3.0)
    grounds.car_park(c, px, py, face + math.pi / 2, 64, 35)
    hall(c, x, y, face + math.pi / 2, float(rng.uniform(30, 55)), float(rng.uniform(16, 24)), 8.0, "flat")
    far = course.at(edge[k] + np.outer([120.0, 400.0, 2500.0], out))
    if kind != "estate":
        grounds.road(c, far, 7.0, "lane")
    site.take(x, y, 36)
    site.take(px, py, 44)
    site.take_rectangle((px + float(far[1, 0])) / 2, (py + float(far[1, 1])) / 2, 300, 12, face)


def _street(site: Site, line: Points, back: float) -> None:
    """A street with a row of houses on each side, ``back`` metres from its middle."""
    c, rng = site.canvas, site.canvas.rng
    grounds.road(c, line, 7.0, "lane" if c.gsd > 1 else "street")
    spots, turns = along(line, float(rng.uniform(19, 27)))
    for (x, y), turn in zip(spots.tolist(), turns.tolist(), strict=True):
        site.take(x, y, 8)
        for side in (-1, 1):
            hx, hy = x - side * back * math.sin(turn), y + side * back * math.cos(turn)
            inside = c.to_pixels([(hx, hy)])[0] * c.gsd
            if rng.random() < 0.1 or not (-20 < inside[0] < site.width + 20 and -20 < inside[1] < site.height + 20):
                continue
            length, width = float(rng.uniform(13, 20)), float(rng.uniform(9, 13))
            site.take(hx, hy, 10)
            if c.gsd < 1.0:
                house(c, hx, hy, turn, length, width)
                continue
            roof = rectangle(hx, hy, length, width, turn)  # from afar a house is a patch with a shadow
            colour, rgb = ROOFS[int(rng.integers(len(ROOFS)))]
            if c.fits(roof):
                c.shadow(roof, 5.0)
                c.later(3, partial(c.paint, roof, brighter(rgb, float(rng.uniform(0.9, 1.3)))))
                c.instance("building", roof, level=3, colour=colour, kind="house")


def _surroundings(site: Site, course: Course, kind: str, edge: Points) -> tuple[float | None, list[Points]]:
    """Woods, fields, suburbs, a coast or bare land around a course. Returns the heading away from the sea, if any, and the woods."""
    c, rng = site.canvas, site.canvas.rng
    cx, cy = site.middle
    reach, radius = site.reach, float(np.hypot(*edge.T).max())
    base = {"park": [m.GRASS, m.SCRUB, m.LAWN], "wood": [WOOD, m.GRASS], "links": [m.SCRUB, m.DRY_GRASS],
            "desert": [m.SAND.tinted(0.92), m.SOIL, m.DRY_GRASS], "estate": [m.LAWN, m.GRASS, m.DRY_GRASS]}[kind]  # fmt: skip
    c.fill(base[int(rng.integers(len(base)))].tinted(float(rng.uniform(0.9, 1.2))))
    site.take(course.x, course.y, 0.8 * float(np.hypot(*edge.T).min()))
    for x, y in course.at(edge).tolist():
        site.take(x, y, 14)
    if kind != "desert":
        crops = ((92, 112, 60), (118, 124, 72), (150, 138, 96), (128, 104, 76), (74, 98, 54), (168, 152, 106))
        for _ in range(int(rng.integers(0, 30))):
            spot = (cx + float(rng.uniform(-reach, reach)), cy + float(rng.uniform(-reach, reach)))
            patch = rectangle(*spot, float(rng.uniform(80, 360)), float(rng.uniform(80, 260)), course.heading + 0.3)
            rows = (float(rng.choice([3.5, 6.0, 12.0])), course.heading, 0.06)
            c.paint(patch, Material(crops[int(rng.integers(6))], 0.05, 0.06, 0.07, stripes=rows), feather=1.5)
    woods = []
    for _ in range(int(rng.integers(0, 9 if kind != "desert" else 1))):
        spot = (cx + float(rng.uniform(-reach, reach)), cy + float(rng.uniform(-reach, reach)))
        wood = blob(rng, *spot, float(rng.uniform(40, 200)), 0.2, 1.3, float(rng.uniform(0, 3)))
        c.paint(shifted(wood, *c.shadow_offset(7.0)), (34, 42, 34), 0.6, feather=1.0)
        c.paint(wood, WOOD, feather=2.0)
        woods.append(wood)
    landward = None
    if kind == "links" or rng.random() < 0.08:  # the sea on one side
        far = radius * float(rng.uniform(0.55, 0.9))
        turn = course.heading + float(rng.choice([-1, 1])) * math.pi / 2
        landward = turn + math.pi
        ahead = (math.cos(turn), math.sin(turn))
        bends = [float(b) for b in rng.normal(0, 0.06 * reach, 3)]
        shore = place(winding((0, -3 * reach), (0, 3 * reach), bends), course.x, course.y, turn)
        sea = np.concatenate([shore, shifted(shore[::-1], 4 * reach * ahead[0], 4 * reach * ahead[1])])
        beach = far - float(rng.uniform(8, 40))
        c.paint(shifted(sea, beach * ahead[0], beach * ahead[1]), m.SAND, feather=3.0)
        water(c, shifted(sea, far * ahead[0], far * ahead[1]))
        off = far + 6 * reach
        site.take(course.x + off * ahead[0], course.y + off * ahead[1], 6 * reach)
    elif kind == "estate" or rng.random() < 0.55:
        for _ in range(int(rng.integers(2, 9))):  # suburbs: streets side by side
            long, heading = float(rng.uniform(140, 420)), course.heading + float(rng.choice([0, math.pi / 2]))
            block = site.spot(long * 0.6, 12, -100)
            for k in range(int(rng.integers(1, 5))):
                if block is None:
                    break
                line = place(winding((-long / 2, 68.0 * k), (long / 2, 68.0 * k), [6.0, 4.0]), *block, heading)
                if all(site.free(x, y, 20) for x, y in line[::6].tolist()):
                    _street(site, line, 19)
    return landward, woods
