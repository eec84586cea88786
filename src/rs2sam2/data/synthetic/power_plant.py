"""Power stations, cement works and brick kilns with their chimneys."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.chimneys import View, chimney, column, cooling_tower
from rs2sam2.data.synthetic.country import fields
from rs2sam2.data.synthetic.materials import Material, Rgb
from rs2sam2.data.synthetic.shapes import oval, points, rectangle, shifted, winding
from rs2sam2.data.synthetic.site import Site, scatter_trees, tree_line
from rs2sam2.data.synthetic.structures import hall, house
from rs2sam2.data.synthetic.water import water
from rs2sam2.data.synthetic.works import block, coal_yard, gallery, heap, mast, tank_group, transformer_yard

DUSTS: tuple[Rgb, ...] = ((176, 166, 148), (158, 140, 116), (190, 186, 178), (132, 112, 96))


def power_plant(site: Site) -> None:
    """Tall chimneys, sometimes cooling towers, of a power station, a works, a heating plant or a brick kiln in fields."""
    c, rng = site.canvas, site.canvas.rng
    tilt, heading = 0.4 * float(rng.uniform()) ** 0.6, float(rng.uniform(0, 2 * math.pi))
    view = View((tilt * math.cos(heading), tilt * math.sin(heading)), float(rng.uniform(0, 2 * math.pi)))
    # The row of chimneys crosses the picture; what belongs to it reaches out of the frame where it must.
    x = site.width * float(rng.uniform(0.25, 0.75)) - 40 * view.lean[0]
    y = site.height * float(rng.uniform(0.25, 0.75)) - 40 * view.lean[1]
    kind = float(rng.random())
    if kind < 0.16 and c.gsd < 1.0:  # from farther away its chimney is a dot
        _kiln(site, x, y, view)
        return
    _country(site)
    frame = max(site.width, site.height)
    if kind < 0.66:
        _station(site, x, y, view)
    else:
        _works(site, x, y, view, town=kind > 0.86)
    far = site.spot(170, 20) if frame > 450 and kind < 0.86 else None
    if far:  # a wide picture sees the neighbours
        _works(site, *far, view, town=False)
    for _ in range(int(rng.integers(2, 9)) + min(int(rng.uniform(0, 30e-6) * frame * frame), 40)):
        if spot := site.spot(26, 12):
            site.take(*spot, 30)
            if rng.random() < 0.3:
                tank_group(site, *spot)
            elif rng.random() < 0.6:
                length = float(rng.uniform(24, 60))
                hall(c, *spot, float(rng.choice([0, math.pi / 2])), length, length * 0.45, 8.0,
                     str(rng.choice(["flat", "ribbed"])))  # fmt: skip
            else:
                house(c, *spot, float(rng.uniform(0, 3)), 18, 11)
    for _ in range(int(rng.integers(0, 12))):
        if spot := site.spot(4, 8):
            mast(site, *spot, view, float(rng.uniform(12, 32)))
    scatter_trees(site, min(int(rng.uniform(0.0002, 0.002) * frame * frame), 420), 2.5, 6.0, 0.7)


def _country(site: Site) -> None:
    """What lies around a works: bare land, grass, fields, sometimes water along one side, a road."""
    c, rng = site.canvas, site.canvas.rng
    cx, cy = site.middle
    reach = site.reach
    grounds_ = [m.GRASS, m.SCRUB, m.DRY_GRASS, m.SOIL, m.SAND.tinted(0.9), m.GRAVEL.tinted(0.9), m.LAWN]
    c.fill(grounds_[int(rng.integers(7))].tinted(float(rng.uniform(0.85, 1.1))))
    for _ in range(int(rng.integers(0, 14))):
        at = (cx + float(rng.uniform(-reach, reach)), cy + float(rng.uniform(-reach, reach)))
        crops = ((92, 112, 60), (128, 120, 78), (150, 138, 96), (84, 98, 60), (132, 112, 84))
        rgb = crops[int(rng.integers(5))]
        rows = (float(rng.choice([3.5, 6.0])), 0.0, 0.05)
        field = rectangle(*at, float(rng.uniform(60, 240)), float(rng.uniform(60, 240)))
        c.paint(field, Material(rgb, 0.05, 0.05, 0.05, stripes=rows), feather=1.0)
    if rng.random() < 0.35:
        side, far = float(rng.choice([-1, 1])), reach * float(rng.uniform(0.5, 0.8))
        bends = [float(v) for v in rng.normal(0, 0.05 * reach, 3)]
        shore = winding((cx - 1.2 * reach, cy + side * far), (cx + 1.2 * reach, cy + side * far), bends)
        other = shifted(shore[::-1], 0.0, side * float(rng.choice([50, 120, 200, 2 * reach])))
        bed = np.concatenate([shore, other])
        c.paint(shifted(bed, 0.0, -side * 6), m.SAND.tinted(0.8), feather=3.0)
        water(c, bed)
        for px, py in shore[::3].tolist():
            site.take(px, py + side * 22, 30)
        site.take_rectangle(cx, cy + side * (far + 0.5 * reach), 2.4 * reach, 0.9 * reach)


def _station(site: Site, x: float, y: float, view: View) -> None:
    """A steam power station in rows: turbine hall, boilers, filters, chimneys; coal or gas; cooling towers or a pond."""
    c, rng = site.canvas, site.canvas.rng
    side, gas = float(rng.choice([-1, 1])), rng.random() < 0.25
    units = int(rng.integers(1, 5))
    pitch = float(rng.uniform(34, 50) if gas else rng.uniform(55, 85))
    long, end = units * pitch, float(rng.choice([-1, 1]))
    cooled = rng.random() < 0.55
    at_end = cooled and rng.random() < 0.65
    if at_end and rng.random() < 0.6:  # bring the cooling towers into the picture
        x -= end * (long / 2 + 40)
    floor = [m.CONCRETE.tinted(0.92), m.GRAVEL, m.ASPHALT.tinted(1.3), m.SOIL.tinted(0.95)][int(rng.integers(4))]
    c.paint(rectangle(x, y - side * 80, long + 170, 250), floor, feather=1.5)
    site.take_rectangle(x, y - side * 70, long + 60, 200)
    for off in (26.0, -196.0):
        street = points([(x - 2 * site.reach, y + side * off), (x + 2 * site.reach, y + side * off)])
        grounds.road(c, street, 8.0, "street" if off > 0 else "lane", kerb=False)
        grounds.traffic(c, street, 8.0, 90.0)
        site.take_rectangle(x, y + side * off, 4 * site.reach, 12)
    for edge in (-1, 1):
        grounds.road(c, points([(x + edge * (long / 2 + 42), y - 400), (x + edge * (long / 2 + 42), y + 400)]), 6.0,
                     "lane", annotate=False)  # fmt: skip
    transformer_yard(site, x, y - side * 225, max(long, 80.0))
    deep = float(rng.uniform(28, 42))
    hall(c, x, y - side * 155, 0.0, long + 14, deep, 24.0, str(rng.choice(["flat", "ribbed"])))
    view.roofs.append((rectangle(x, y - side * 155, long + 14, deep), 24.0, (0.0, 0.0)))
    shared = not gas and units > 1 and rng.random() < 0.5
    tall = float(rng.uniform(60, 110) if gas else rng.uniform(110, 250))
    foot = float(np.clip(tall * rng.uniform(0.033, 0.05), 2.2, 10))
    kind = "steel" if gas else str(rng.choice(["concrete", "concrete", "concrete", "steel", "brick"]))
    steam = float(rng.uniform(60, 260)) if rng.random() < 0.35 else 0.0
    stacks: list[float] = []
    for k in range(units):
        ux = x + (k - (units - 1) / 2) * pitch
        if gas:
            block(site, ux, y - side * 42, math.pi / 2, 44, 15, 26, view)
            c.paint(rectangle(ux, y - side * 6, 5.0, 30), (160, 160, 158))
        else:
            block(site, ux, y - side * 108, 0.0, pitch * float(rng.uniform(0.45, 0.62)), 40, float(rng.uniform(45, 75)),
                  view)  # fmt: skip
            block(site, ux, y - side * 52, 0.0, pitch * 0.55, 30, 20, view)
            c.later(3.1, partial(c.paint, rectangle(ux, y - side * 20, 6.0, 40), (150, 150, 148)))
        if not shared or k % 2 == 0:
            stacks.append(ux + (pitch / 2 if shared and k + 1 < units else 0.0))
    rack = rectangle(x, y - side * 80, long + 70, 4.0)
    c.shadow(rack, 7.0, 6.0)
    c.later(0.5, partial(c.paint, rack, Material((168, 166, 160), 0.03, 0.05, 0.03, stripes=(1.3, math.pi / 2, 0.25))))
    for _ in range(int(rng.integers(6, 22))):  # stores, pump houses, transformers
        spot = (
            x + float(rng.choice([-1, 1])) * (long / 2 + float(rng.uniform(12, 34))),
            y - side * rng.uniform(-14, 180),
        )
        size = float(rng.uniform(5, 16))
        hall(c, *spot, 0.0, size * float(rng.uniform(1, 2)), size, float(rng.uniform(3, 10)), "ribbed")
    if not gas:
        coal_yard(site, x, y + side * 40, side, long, view)
    cold = y + side * (62 if gas else 150)
    record = rng.random() < 0.5
    if cooled:  # beside the coal yard or at the plant's end
        radius = float(rng.uniform(28, 52))
        vapour = float(rng.uniform(80, 260)) if rng.random() < 0.55 else 0.0
        for k in range(int(rng.integers(1, 5))):
            tx = x + end * (
                long / 2 + 60 + radius + (k // 2) * 2.5 * radius if at_end else -long / 3 + k * 2.5 * radius
            )
            ty = y - side * (120 - (k % 2) * 2.6 * radius) if at_end else cold + side * radius
            site.take(tx, ty, radius * 1.3)
            cooling_tower(c, tx, ty, radius, view, record, vapour)
    else:
        for k in range(int(rng.integers(0, 3))):
            c.paint(rectangle(x + (k - 1) * 95, cold + side * 75, 90, 64), m.SOIL.tinted(1.1))
            water(c, rectangle(x + (k - 1) * 95, cold + side * 75, 80, 55))
            site.take(x + (k - 1) * 95, cold + side * 75, 55)
    if rng.random() < 0.5:
        grounds.car_park(c, x + long / 2 + 75, y - side * 150, math.pi / 2, 60, 34)
        site.take(x + long / 2 + 75, y - side * 150, 40)
    tank_group(site, x - long / 2 - 70, y - side * 40)
    for sx in stacks:
        chimney(c, sx, y, tall * (1.0 if rng.random() < 0.8 else float(rng.uniform(0.6, 1.0))), view, kind, foot, steam)


def _works(site: Site, x: float, y: float, view: View, town: bool) -> None:
    """Cement or chemical works, or a heating plant in a town: halls, silos, a kiln, heaps; one to three chimneys."""
    c, rng = site.canvas, site.canvas.rng
    dust = Material(DUSTS[int(rng.integers(4))], 0.05, 0.06, 0.06)
    c.paint(rectangle(x, y, float(rng.uniform(160, 420)), float(rng.uniform(130, 300))), dust, feather=4.0)
    if town:
        gap = float(rng.uniform(90, 140))
        c.fill(m.LAWN if rng.random() < 0.5 else m.CONCRETE.tinted(0.85))
        for off in np.arange(y + 38 - 8 * gap, y + 8 * gap, gap).tolist():
            street = points([(x - 2 * site.reach, off), (x + 2 * site.reach, off)])
            grounds.road(c, street, 9.0)
            grounds.traffic(c, street, 9.0, 60.0)
            site.take_rectangle(x, off, 4 * site.reach, 14)
        c.paint(rectangle(x, y - gap / 2 + 38, 150, gap - 16), dust, feather=1.0)
    block(site, x + float(rng.uniform(-30, 30)), y - 34, 0.0, float(rng.uniform(24, 60)), 24, float(rng.uniform(18, 70)),
          view)  # fmt: skip
    site.take(x, y, 16)
    if not town:
        if rng.random() < 0.6:  # a rotary kiln: a long pipe on piers
            kiln = rectangle(x, y + 26, 90, 4.6)
            c.shadow(kiln, 12.0, 7.0)
            for share, tone in ((1.0, 0.75), (0.55, 1.1)):
                rgb = (150 * tone, 132 * tone, 118 * tone)
                c.later(3.1, partial(c.paint, rectangle(x, y + 26, 90, 4.6 * share), rgb))
            site.take_rectangle(x, y + 26, 95, 12)
        for _ in range(int(rng.integers(1, 5))):
            if spot := site.spot(30, 30):
                heap(site, *spot, float(rng.uniform(25, 70)), float(rng.uniform(16, 30)), DUSTS[int(rng.integers(4))])
        if rng.random() < 0.6:
            gallery(site, (x + 60, y - 70), (x - 15, y - 34), view)
    rows, wide = int(rng.integers(1, 3)), float(rng.uniform(4, 9))
    for k in range(int(rng.integers(2, 6)) if rng.random() < 0.7 else 0):
        for j in range(rows):  # silos stand like short chimneys but have lids
            sx, sy = x - 40 - 2.1 * wide * k, y + 2.1 * wide * j
            site.take(sx, sy, wide)
            tone = float(rng.uniform(180, 205))
            column(c, sx, sy, 3.2 * wide, wide, wide, view, [(0.0, 1.0, (tone, tone, tone - 6))], 0)
    for _ in range(int(rng.integers(5, 16))):
        if spot := site.spot(30, 30):
            length = float(rng.uniform(30, 62))
            hall(c, *spot, float(rng.choice([0.0, math.pi / 2])), length, length * float(rng.uniform(0.3, 0.6)),
                 float(rng.uniform(7, 20)), str(rng.choice(["flat", "ribbed", "ribbed"])))  # fmt: skip
            site.take(*spot, length / 2)
    tall = float(rng.uniform(60, 190))
    kind = str(rng.choice(["concrete", "steel", "brick"]))
    smoke = float(rng.uniform(40, 160)) if rng.random() < 0.4 else 0.0
    for k in range(int(rng.choice([1, 1, 2, 3]))):
        foot = float(np.clip(tall * rng.uniform(0.03, 0.05), 2.2, 8.0))
        chimney(c, x + k * float(rng.uniform(18, 45)), y, tall * float(rng.uniform(0.8, 1.0)), view, kind, foot, smoke)


def _kiln(site: Site, x: float, y: float, view: View) -> None:
    """A brick works in fields: an oval kiln of red earth around its chimney, or a shed with one; rows of bricks."""
    c, rng = site.canvas, site.canvas.rng
    site.take_rectangle(x, y, 230, 150)
    fields(site)
    earth: Rgb = ((158, 104, 78), (168, 128, 98), (142, 92, 72))[int(rng.integers(3))]
    yard = rectangle(x, y, 230, 150)
    c.hide(yard)
    c.paint(yard, Material(earth, 0.07, 0.07, 0.08, (176, 150, 120), 0.35), feather=8.0)
    straight, radius = float(rng.uniform(35, 80)), float(rng.uniform(16, 27))
    if rng.random() < 0.7:
        c.shadow(oval(x, y, straight, radius), 3.0)
        wall, top, pit, core = ((150, 88, 66), (186, 148, 120), (112, 74, 60), (166, 122, 96))
        for ring, rgb in ((radius, wall), (radius - 2.5, top), (0.55 * radius, pit), (0.44 * radius, core)):
            c.later(0.3, partial(c.paint, oval(x, y, straight, ring), Material(rgb, 0.08, 0.08, 0.06)))
    else:
        hall(c, x, y - 26, 0.0, straight + 30, 26, 8.0, "ribbed")
    for k in range(int(rng.integers(6, 26))):  # bricks set out to dry, stacks of burnt ones
        clay: Rgb = ((188, 156, 124), (158, 92, 70), (164, 120, 92))[int(rng.integers(3))]
        flank = (-1, 1)[k % 2]
        spot = (x + float(rng.uniform(-100, 100)), y + flank * (radius + float(rng.uniform(10, 42))))
        row = rectangle(*spot, float(rng.uniform(8, 36)), float(rng.uniform(1.5, 6)), (0.0, math.pi / 2)[k % 3 == 0])
        c.shadow(row, 1.6)
        c.later(0.2, partial(c.paint, row, Material(clay, 0.08, 0.05, 0.0, stripes=(2.4, 0.0, 0.08))))
    grounds.road(c, points([(x - 2 * site.reach, y + 82), (x + 2 * site.reach, y + 82)]), 5.0, "dirt")
    tree_line(site, points([(x - 110, y + 92), (x + 110, y + 92)]), 12)
    kind = str(rng.choice(["brick", "brick", "concrete"]))
    smoke = float(rng.uniform(30, 90)) if rng.random() < 0.4 else 0.0
    chimney(c, x, y, float(rng.uniform(32, 70)), view, kind, float(rng.uniform(2.0, 3.4)), smoke)
