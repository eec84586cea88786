"""Reservoirs: a dam with the lake above it, the river below it, roads, bridges, houses and boats."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic.dams import concrete_dam, embankment_dam, wall_of
from rs2sam2.data.synthetic.shapes import Points, along, points
from rs2sam2.data.synthetic.ships import ship
from rs2sam2.data.synthetic.site import Site
from rs2sam2.data.synthetic.structures import house, tree
from rs2sam2.data.synthetic.valley import Land

KINDS = ("gravity",) * 4 + ("arch",) * 2 + ("embankment",) * 3 + ("barrage",) * 2 + ("weir",)
SIZES: dict[str, tuple[float, float, float, float, float, float]] = {
    "gravity": (0.3, 1.1, 70, 800, 0.12, 0.32),
    "arch": (0.28, 0.8, 60, 480, 0.3, 0.55),
    "embankment": (0.4, 1.3, 120, 900, 0.05, 0.16),
    "barrage": (0.4, 1.15, 90, 900, 0.0, 0.0),
    "weir": (0.3, 0.9, 60, 260, 0.0, 0.0),
}
"""Of each kind: the least and most share of the picture's side, the least and most length in metres, and rise a length."""


def reservoir(site: Site) -> None:
    """A concrete gravity or arch dam, an embankment, a barrage or a weir, with the lake above it and the land around."""
    c, rng = site.canvas, site.canvas.rng
    w, h = site.width, site.height
    frame = max(w, h)
    # From afar only the longer kinds are seen.
    kind = str(rng.choice([kind for kind in KINDS if SIZES[kind][3] >= min(0.22 * frame, 800)]))
    low, high, least, most, flat, steep = SIZES[kind]
    length = float(np.clip(frame * math.exp(rng.uniform(math.log(low), math.log(high))), least, most))
    plain = kind in ("barrage", "weir")
    rise = 5.0 if plain else float(np.clip(length * rng.uniform(flat, steep), 9, 170))
    power = {"gravity": rng.uniform(1.3, 4.0), "arch": rng.uniform(1.0, 1.7), "embankment": rng.uniform(1.4, 6.0)}
    at = (w * float(rng.uniform(0.32, 0.68)), h * float(rng.uniform(0.32, 0.68)))
    land = Land(site, at, length, rise, 7.0 if plain else float(power[kind]),
                float(rng.uniform(0.2, 0.9)) if plain else float(rng.uniform(0.6, 2.5)),
                0.15 if plain else float(rng.uniform(0.5, 1.3)))  # fmt: skip
    wall = wall_of(land, kind)
    lake = rise * 0.8 if plain else rise - float(rng.choice([2.0, 3.0, 6.0, 0.2 * rise]))
    river = length * float(rng.uniform(0.6, 0.95)) if plain else float(np.clip(length * rng.uniform(0.06, 0.3), 6, 90))
    wet = plain or rng.random() < 0.75
    basin = length * float(max(0.5 - wall.spillway[0], wall.spillway[1] - 0.5)) * 2.1
    if plain or kind == "embankment":
        basin = 0.3 * river if kind == "embankment" else river
    open_ground = land.paint(wall.crest, lake, river, max(basin, 0.3 * river), wet)
    for x, y in wall.line(wall.down(0.5) / 2)[::2]:
        site.take(float(x), float(y), 0.6 * float(wall.face.max()) + 12)
    sort = str(rng.choice(["street", "lane", "lane", "dirt"]))
    roads = 0 if kind == "weir" else 1 if rng.random() < 0.5 else 2
    _roads(site, land, (wall.crest[0], wall.crest[-1]), min(7.0, 2 * wall.half), sort, roads)
    if not c.fits(wall.body()):
        return
    level = 0.0 if kind == "embankment" else 1.0
    c.hide(wall.body(), level)
    outlines = embankment_dam(land, wall, river, wet) if kind == "embankment" else concrete_dam(land, wall, kind, wet)
    c.instance("dam", outlines, level=level, kind=kind, length_m=round(length, 1))
    if kind != "weir":
        grounds.traffic(c, wall.line(0.0), 2 * wall.half, float(rng.choice([60.0, 200.0])), level=1.6)
    if rng.random() < 0.25:  # a boom of floats that keeps driftwood off
        sag = -wall.half - wall.back - float(rng.uniform(0.03, 0.15)) * length * np.sin(np.linspace(0.3, 2.8, 61)) - 12
        c.line(wall.line(sag, 0.1, 0.9), 1.2, (214, 150, 90) if rng.random() < 0.5 else (226, 224, 216))
    if rng.random() < 0.45:
        _crossing(site, land, float(wall.face.max()) + float(rng.uniform(0.25, 0.6)) * frame, river)
    _settle(site, land, open_ground)


def _roads(site: Site, land: Land, ends: tuple[Points, Points], wide: float, sort: str, count: int) -> None:
    """Roads from a dam's two ends along the slopes, up to ``count`` from each; some lead down to its foot."""
    c, rng = site.canvas, site.canvas.rng
    for side, end in zip((-1, 1), ends, strict=True):
        for turn in rng.permutation([-0.9, 0.9])[:count]:
            heading = (0.0 if side > 0 else math.pi) + side * float(turn)
            low = land.power < 5 and turn > 0 and rng.random() < 0.5  # down to the foot
            level = land.rise * (0.35 if low else 1.05)
            path = land.track((float(end[0]), float(end[1])), heading, level)
            if len(path) > 2:
                grounds.road(c, path, wide, sort, kerb=False)
                grounds.traffic(c, path, wide, 250.0)
                for x, y in along(path, 14.0)[0]:
                    site.take(float(x), float(y), 9.0)


def _crossing(site: Site, land: Land, below: float, river: float) -> None:
    """A road over the river on a bridge, ``below`` metres downstream."""
    c, rng = site.canvas, site.canvas.rng
    x, y = land.at[0] + float(land.middle(np.array([below], np.float32))[0]), land.at[1] + below
    half, tilt = 0.6 * river + 14, float(rng.uniform(-0.2, 0.2))
    for side in (-1, 1):
        far = (x + side * 2 * site.reach, y + side * tilt * (half + 40))
        path = points([(x + side * half, y + side * tilt * half), (x + side * (half + 40), far[1]), far])
        grounds.road(c, path if side > 0 else path[::-1], 8.0, "street")
        for px, py in along(path, 14.0)[0]:
            site.take(float(px), float(py), 9.0)
    grounds.bridge(c, (x - half, y - tilt * half), (x + half, y + tilt * half), 9.0)


def _settle(site: Site, land: Land, ground: NDArray[np.bool_]) -> None:
    """Houses and single trees on open ``ground``, boats on the lake."""
    c, rng = site.canvas, site.canvas.rng
    houses, trees = 8 * int(rng.integers(0, 16)), int(min(500, 0.002 * site.width * site.height))
    boats = int(rng.choice([0, 0, 12, 30]))
    for k in range(houses + trees + boats):
        x, y = float(rng.uniform(0, site.width)), float(rng.uniform(0, site.height))
        px, py = c.to_pixels([(x, y)])[0]
        if not (0 <= px < c.width and 0 <= py < c.height):
            continue
        if k >= houses + trees:
            if y < land.at[1] - 30 - 0.1 * land.length and land.pool[int(py), int(px)] and k % 4 == 0:
                ship(c, x, y, float(rng.uniform(0, 6.28)), float(rng.uniform(7, 16)), "boat", 0.7 * (k % 8 == 0))
        elif ground[int(py), int(px)]:
            if k < houses and site.free(x, y, 13) and land.level(x, y) < 1.6 * land.rise:
                house(c, x, y, float(rng.uniform(0, 3.1)), float(rng.uniform(11, 20)), float(rng.uniform(8, 12)))
                site.take(x, y, 11)
            elif k >= houses and site.free(x, y, 3):
                tree(c, x, y, float(rng.uniform(2.0, 5.0)))
