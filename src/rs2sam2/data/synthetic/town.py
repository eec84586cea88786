"""Towns: sports grounds, suburbs, street crossings."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic import grounds, pitches
from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.materials import Material
from rs2sam2.data.synthetic.shapes import along, ellipse, place, points, rectangle, shifted, stroke, winding
from rs2sam2.data.synthetic.site import Site, scatter_trees, tree_line
from rs2sam2.data.synthetic.structures import hall, house
from rs2sam2.data.synthetic.vehicles import vehicle


def sports(site: Site) -> None:
    """A park or campus: running track, diamonds, courts, a school, parking, roads and many trees."""
    c, rng = site.canvas, site.canvas.rng
    w, h, reach = site.width, site.height, site.reach
    frame = max(w, h)
    c.fill(m.LAWN if rng.random() < 0.6 else m.GRASS)
    cx, cy = w / 2, h / 2
    for _ in range(int(rng.integers(1, 4))):  # footpaths; what is built later lies over them
        bends = [float(v) for v in rng.normal(0, 0.08 * frame, 3)]
        path = winding((cx - reach, float(rng.uniform(0, h))), (cx + reach, float(rng.uniform(0, h))), bends)
        c.line(path, 2.2, (170, 162, 148), 0.9)
    edge = float(rng.choice([-1, 1]))
    street_y = cy + edge * frame * float(rng.uniform(0.36, 0.46))
    street = points([(cx - reach, street_y), (cx + reach, street_y)])
    grounds.road(c, street, 9.0)
    grounds.traffic(c, street, 9.0, 45.0)
    site.take_rectangle(cx, street_y, 2 * reach, 14)
    style = int(rng.integers(6))
    plan: list[tuple[str, float, float]] = []
    if frame > 230 and rng.random() < 0.8:
        plan.append(("stadium" if frame > 300 and rng.random() < 0.35 else "track", 180, 96))
    plan += [("diamond", 70, 70)] * int(rng.integers(1, 4))
    plan += [("tennis", 36.0, 18.0)] * int(rng.integers(1, 3)) + [("basketball", 32, 18.5)] * int(rng.integers(1, 3))
    plan += [("school", 60, 30), ("parking", 70, 36), ("pitch", 100, 64)]
    if frame < 140:
        plan = [p for p in plan if p[1] <= 80]
        plan = [plan[int(i)] for i in rng.permutation(len(plan))]
    for kind, length, width in plan:
        sets = int(rng.integers(2, 5)) if kind == "tennis" else (int(rng.integers(1, 3)) if kind == "basketball" else 1)
        full = width * sets
        radius = math.hypot(length, full) / 2 * (0.86 if kind not in ("track", "stadium") else 0.72)
        spot = site.spot(radius, 120, min(0.42 * frame, radius * 0.9))
        if spot is None:
            continue
        x, y = spot
        heading = float(rng.choice([0.0, math.pi / 2])) + float(rng.normal(0, 0.02))
        if kind in ("track", "stadium"):
            (pitches.ground_track_field if kind == "track" else pitches.stadium)(
                c, x, y, heading, float(rng.uniform(0.85, 1.0)) * (0.75 if kind == "stadium" else 1.0)
            )
            site.take_rectangle(x, y, 185, 104, heading)
            continue
        if kind == "diamond":
            turn = float(rng.uniform(0, 2 * math.pi))
            pitches.baseball_field(c, x - 28 * math.cos(turn), y - 28 * math.sin(turn), turn,
                                   float(rng.choice([0.67, 0.8, 1.0])), bool(rng.random() < 0.6))  # fmt: skip
        elif kind in ("tennis", "basketball"):
            if kind == "tennis":
                c.paint(rectangle(x, y, length + 1, full + 1, heading), (80, 90, 82))
            for k in range(sets):
                at = place(points([(0, (k + 0.5 - sets / 2) * width)]), x, y, heading)[0]
                draw = pitches.tennis_court if kind == "tennis" else pitches.basketball_court
                draw(c, float(at[0]), float(at[1]), heading, style)
            style = int(rng.integers(6))
        elif kind == "school":
            hall(c, x, y, heading, length, width * 0.8, 9.0, "flat")
        elif kind == "parking":
            grounds.car_park(c, x, y, heading, length, width, float(rng.uniform(0.3, 0.9)))
        else:
            c.paint(rectangle(x, y, length, width, heading), Material((74, 106, 56), 0.04, 0.02, 0.03,
                                                                     stripes=(9.0, heading, 0.06)))  # fmt: skip
            c.line(np.vstack([rectangle(x, y, length - 6, width - 6, heading)] * 2)[:5], 0.14, grounds.PAINT, 0.9)
        site.take(x, y, radius)
        site.take_rectangle(x, y, length, full, heading)
    tree_line(site, shifted(street, 0, -9 * edge), 9)
    tree_line(site, shifted(street, 0, 9 * edge), 10)
    scatter_trees(site, int(0.0032 * w * h), 2.2, 5.5, 0.65)


def suburb(site: Site) -> None:
    """Streets of houses with driveways, lawns, pools, cars and trees."""
    c, rng = site.canvas, site.canvas.rng
    w, h, reach = site.width, site.height, site.reach
    c.fill(m.LAWN if rng.random() < 0.6 else m.GRASS)
    cx, cy = w / 2, h / 2
    lot, deep, street_width = float(rng.uniform(17, 25)), float(rng.uniform(30, 38)), 8.5
    block = 2 * deep + street_width + 4
    cross_every = lot * int(rng.integers(6, 10)) + street_width
    top = cy - reach - float(rng.uniform(0, block))
    cross_at = np.arange(cx - reach + float(rng.uniform(0, cross_every)), cx + reach, cross_every)
    streets = [points([(cx - reach, y), (cx + reach, y)]) for y in np.arange(top, cy + reach + block, block)]
    crossings = [points([(x, cy - reach), (x, cy + reach)]) for x in cross_at]
    paths = [*streets, *crossings]
    for path in paths:
        c.paint(stroke(path, street_width + 5.5), m.CONCRETE.tinted(1.02), 0.85)
        c.paint(stroke(path, street_width + 2.6), m.LAWN)
    for path in paths:
        grounds.road(c, path, street_width, "lane", kerb=False)
        x, y = path.mean(0)
        horizontal = path[0, 1] == path[1, 1]
        site.take_rectangle(float(x), float(y), 2 * reach, street_width + 2, 0.0 if horizontal else math.pi / 2)
    inside = (-20.0, w + 20.0) if c.rotation == 0 else (cx - reach, cx + reach)
    for path in streets:
        y = float(path[0, 1])
        for side in (1, -1):
            x = cx - reach + float(rng.uniform(0, lot))
            while x < cx + reach:
                mx, x = x + lot / 2, x + lot
                blocked = any(abs(mx - v) < lot / 2 + street_width / 2 for v in cross_at)
                if blocked or not inside[0] < mx < inside[1]:
                    continue
                _lot(site, mx, y, side, lot, deep, street_width)
    for path in paths:
        grounds.traffic(c, path, street_width, 110.0)
        spots, turns = along(path, 6.5)
        off = np.array([-math.sin(turns[0]), math.cos(turns[0])]) * street_width * 0.38
        for spot, turn in zip(spots, turns, strict=True):
            if rng.random() < 0.09:
                flank = 1 if rng.random() < 0.5 else -1
                vehicle(c, float(spot[0] + flank * off[0]), float(spot[1] + flank * off[1]), float(turn))
    scatter_trees(site, int(0.008 * w * h), 2.0, 5.5, 0.35)


def _lot(site: Site, x: float, street: float, side: int, lot: float, deep: float, street_width: float) -> None:
    """One house on its plot: driveway, car, lawn, perhaps a pool and a shed."""
    c, rng = site.canvas, site.canvas.rng
    y = street + side * (street_width / 2 + 9 + float(rng.uniform(3, 6)))
    length, width = lot * float(rng.uniform(0.58, 0.76)), float(rng.uniform(9, 12.5))
    c.paint(rectangle(x, street + side * (street_width / 2 + 2 + deep / 2), lot - 0.6, deep),
            m.LAWN.tinted(float(rng.uniform(0.85, 1.15))) if rng.random() < 0.8 else m.DRY_GRASS.tinted(0.9))  # fmt: skip
    drive_x = x + float(rng.choice([-1, 1])) * length * 0.32
    near = street + side * street_width / 2
    c.paint(rectangle(drive_x, (near + y) / 2, 3.6, abs(y - near)), m.CONCRETE.tinted(float(rng.uniform(0.85, 1.1))))
    if rng.random() < 0.55:
        vehicle(c, drive_x, near + side * float(rng.uniform(4.2, 6.0)), math.pi / 2 * side)
    house(c, x, y, float(rng.normal(0, 0.01)), length, width, bool(rng.random() < 0.7))
    site.take(x - length * 0.25, y, width * 0.6)
    site.take(x + length * 0.25, y, width * 0.6)
    back = y + side * (width / 2 + 7)
    if rng.random() < 0.16:
        c.paint(rectangle(x, back, 11, 6.5), m.CONCRETE.tinted(1.1))
        c.paint(ellipse(x, back, 4.2, 2.1), (70, 150, 176))
        site.take(x, back, 6)
    elif rng.random() < 0.3:
        house(c, x + float(rng.uniform(-5, 5)), back + side * 2, 0.0, 4.5, 3.4, False)
    c.paint(rectangle(x + lot / 2, y + side * 6, 0.3, deep * 0.7), (112, 100, 84), 0.6)


def roads(site: Site) -> None:
    """A street crossing or a highway seen close: lanes, zebra crossings, many vehicles, parking, shops."""
    c, rng = site.canvas, site.canvas.rng
    w, h, reach = site.width, site.height, site.reach
    frame = max(w, h)
    c.fill(m.LAWN if rng.random() < 0.6 else m.CONCRETE.tinted(0.95))
    cx, cy = w / 2, h / 2
    x0, y0 = cx + float(rng.uniform(-0.15, 0.15)) * w, cy + float(rng.uniform(-0.15, 0.15)) * h
    wide = 22.0 if frame > 100 else 14.0
    main, side = (
        points([(cx - 2 * reach, y0), (cx + 2 * reach, y0)]),
        points([(x0, cy - 2 * reach), (x0, cy + 2 * reach)]),
    )
    for path, width in ((main, wide), (side, 14.0)):
        c.paint(stroke(path, width + 7), m.CONCRETE.tinted(1.05))
    grounds.road(c, side, 14.0, "street")
    grounds.road(c, main, wide, "street")
    c.paint(rectangle(x0, y0, 15.5, wide + 1.5), m.ASPHALT)
    for dx, dy, turn, span in ((9.5, 0, 0.0, wide), (-9.5, 0, 0.0, wide), (0, wide / 2 + 3, math.pi / 2, 14.0),
                               (0, -wide / 2 - 3, math.pi / 2, 14.0)):  # fmt: skip
        bars = [rectangle(0, float(k), 3.0, 0.5) for k in np.arange(-span / 2 + 0.8, span / 2 - 0.4, 1.1)]
        c.paint([place(bar, x0 + dx, y0 + dy, turn) for bar in bars], grounds.PAINT, 0.85)
    for path, width, gap in ((main, wide, 15.0), (side, 14.0, 20.0)):
        middle = y0 if path is main else x0
        axis = 0 if path is main else 1
        for low, high in (
            (path[0, axis], (x0 if axis == 0 else y0) - 14),
            ((x0 if axis == 0 else y0) + 14, path[1, axis]),
        ):
            piece = points([(low, middle), (high, middle)] if axis == 0 else [(middle, low), (middle, high)])
            grounds.traffic(c, piece, width, gap)
            if width > 16:
                for off in (-0.13, 0.13):
                    grounds.dashes(c, shifted(piece, 0, off * width * 2), 6.0, 2.5, grounds.PAINT)
    site.take_rectangle(x0, cy, 4 * reach, 18, math.pi / 2)
    site.take_rectangle(cx, y0, 4 * reach, wide + 5)
    for sx in (-1, 1):
        for sy in (-1, 1):
            for column in range(1 + int(reach // 78)):
                for row in range(1 + int(reach // 90)):
                    bx, by = x0 + sx * (49 + 78 * column), y0 + sy * (wide / 2 + 34 + 62 * row)
                    choice = rng.random()
                    if choice < 0.45:
                        hall(c, bx, by, 0.0, 54, 30, float(rng.uniform(6, 16)), str(rng.choice(["flat", "ribbed"])))
                    elif choice < 0.85:
                        grounds.car_park(c, bx, by, 0.0, 60, 40, float(rng.uniform(0.4, 0.9)))
                    else:
                        continue
                    site.take_rectangle(bx, by, 64, 46)
    tree_line(site, shifted(main, 0, wide / 2 + 6), 10, 2, 4)
    tree_line(site, shifted(main, 0, -wide / 2 - 6), 10, 2, 4)
    scatter_trees(site, int(0.002 * w * h), 2.0, 5.0, 0.5)
