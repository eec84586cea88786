"""Dams: walls of concrete with spillways, embankments of earth and rock, barrages and weirs. Sizes in metres."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Material, Rgb, brighter
from rs2sam2.data.synthetic.shapes import Points, ellipse, points, rectangle, shifted
from rs2sam2.data.synthetic.structures import hall
from rs2sam2.data.synthetic.valley import Land

Numbers = NDArray[np.float64]
CONCRETES: tuple[Rgb, ...] = ((164, 160, 150), (186, 182, 172), (140, 137, 130), (172, 164, 146), (120, 118, 112))
WHITE_WATER = Material((216, 224, 224), 0.1, 0.12, 0.05, (150, 172, 174), 0.45)


@dataclass
class Wall:
    """A dam's crest from bank to bank (scene metres, downstream on its right), and along it the rise over the ground below,
    the half crest, what is seen of the upstream face and the downstream face's extent as seen from above."""

    crest: Points
    rise: Numbers
    half: float
    back: Numbers
    face: Numbers
    spillway: tuple[float, float] = (0.4, 0.6)
    """From which to which share of the length water may pass."""

    def line(self, distance: Numbers | float, start: float = 0.0, end: float = 1.0) -> Points:
        """A line ``distance`` downstream of the crest's middle, between two shares of the length."""
        step = np.gradient(self.crest, axis=0)
        step /= np.hypot(step[:, 0], step[:, 1])[:, None]
        path = self.crest + np.broadcast_to(distance, len(step))[:, None] * np.stack([-step[:, 1], step[:, 0]], 1)
        at, share = np.linspace(start, end, max(2, round((end - start) * 60))), np.linspace(0, 1, len(path))
        return np.stack([np.interp(at, share, path[:, 0]), np.interp(at, share, path[:, 1])], 1)

    def strip(self, near: Numbers | float, far: Numbers | float, start: float = 0.0, end: float = 1.0) -> Points:
        """The outline between two such lines."""
        return np.concatenate([self.line(near, start, end), self.line(far, start, end)[::-1]])

    def down(self, share: float) -> Numbers:
        """Distances to a line on the downstream face, ``share`` of the way to its foot."""
        return self.half + share * self.face

    def body(self) -> Points:
        """The outline of all that is seen of it."""
        return self.strip(-self.back - self.half, self.down(1.0))


def wall_of(land: Land, kind: str) -> Wall:
    """A dam of a kind (gravity, arch, embankment, barrage, weir) across a land's valley."""
    rng, length, rise = land.canvas.rng, land.length, land.rise
    t = np.linspace(-1, 1, 61)
    sag = float(rng.uniform(0.1, 0.3) if kind == "arch" else rng.choice([0.0, 0.0, 0.0, -0.06, 0.05, 0.1]))
    slant = 0.0 if kind == "arch" or rng.random() < 0.5 else float(rng.normal(0, 0.12))
    bent = np.abs(t) - 1 if rng.random() < 0.3 and kind != "arch" else t**2 - 1
    crest = points(np.stack([t * length / 2, (sag * bent + slant * t) * length], 1)) + land.at
    over, even = rise * np.clip(1 - np.abs(t) ** land.power, 0, 1), np.ones_like(t)
    if kind == "embankment":
        seen = float(rng.uniform(4, 16)) * np.clip(over / rise * 4, 0.2, 1)
        return Wall(crest, over, float(rng.uniform(3, 6)), seen, 2 + over * float(rng.uniform(1.7, 3.0)))
    if kind == "weir":
        return Wall(crest, 2 * even, float(rng.uniform(1, 2.5)), 0.5 * even, float(rng.uniform(6, 18)) * even, (0, 1))
    if kind == "barrage":
        share = float(rng.uniform(0.5, 1.0))
        first, face = float(rng.uniform(0, 1 - share)), float(rng.uniform(10, 40)) * even
        return Wall(crest, 4 * even, float(rng.uniform(4, 10)), 4 * even, face, (first, first + share))
    share, middle = float(rng.uniform(0.12, 0.5)), 0.5 + float(rng.uniform(-0.12, 0.12))
    half, slope = (rng.uniform(3, 8), rng.uniform(0.6, 1.0)) if kind == "gravity" else rng.uniform((2, 0.12), (5, 0.5))
    face = 0.7 + over * float(slope)
    return Wall(crest, over, float(half), 0.6 * even, face, (middle - share / 2, middle + share / 2))


def _cast(c: Canvas, wall: Wall) -> None:
    """The crest's shadow: short on the water, as long downstream as the wall is high there."""
    downstream = c.shadow_offset(1.0)[1] > 0
    for k in range(20):
        start, end = k / 20, (k + 1) / 20
        high = float(np.interp((start + end) / 2, np.linspace(0, 1, len(wall.rise)), wall.rise))
        c.shadow(wall.strip(-wall.half, wall.half, start, end), max(high, 1.0) if downstream else min(high, 4.0))


def concrete_dam(land: Land, wall: Wall, kind: str, wet: bool) -> list[Points]:
    """A wall of concrete with a crest road, a spillway with gates and a basin. Returns what belongs to it."""
    c, rng = land.canvas, land.canvas.rng
    base = CONCRETES[int(rng.integers(len(CONCRETES)))]
    body = wall.body()
    first, last = wall.spillway
    spills = kind == "weir" or (wet and rng.random() < 0.6)
    has_spillway = kind != "arch" or rng.random() < 0.6
    bay = float(rng.uniform(9, 20)) if kind != "weir" else land.length / 8
    bays = max(1, min(40, round((last - first) * land.length / bay)))
    running = rng.random(bays) < (1.0 if kind == "weir" else 0.55 if kind == "barrage" else 0.85)
    ends = np.linspace(first, last, bays + 1)
    apron = float(wall.face.max()) * float(rng.uniform(0.3, 0.8)) + 6
    foot = wall.down(1.0)
    outlines = [body]
    if has_spillway and kind == "gravity":
        c.paint(wall.strip(foot - 1, foot + apron, first, last), Material(brighter(base, 0.9), 0.05, 0.05, 0.05))
        outlines.append(wall.strip(foot - 1, foot + apron, first, last))
    for k in range(bays if has_spillway and spills else 0):  # white water, thinning out downstream
        for reach in np.linspace(0.4, 3.0 if kind == "gravity" else 4.5, 9) * running[k]:
            shift, grow = rng.uniform(-0.2, 0.35, 2) * (ends[1] - ends[0])
            far = foot + apron * float(reach * rng.uniform(0.75, 1.2))
            patch = wall.strip(foot - 1, far, max(0.0, ends[k] + shift - grow), min(1.0, ends[k + 1] + shift))
            c.paint(patch, WHITE_WATER, 0.22, feather=1.0 + 0.1 * apron)
    _cast(c, wall)
    stepped, joints = rng.random() < 0.35, rng.random() < 0.8
    light = 1 + 0.3 * c.facing(math.pi / 2)
    if kind != "weir" and -c.facing(math.pi / 2) * c.sun.reach > float(wall.face.max() / max(wall.rise.max(), 1.0)):
        light *= 0.62  # the face lies in its own shade
    stain = Material(brighter(base, light), 0.04, 0.07, 0.05, stripes=(float(rng.uniform(5, 14)), 0.0, 0.05))
    road: Rgb = (104, 104, 106) if rng.random() < 0.5 else brighter(base, 1.06)
    gate: Rgb = ((58, 64, 72), (78, 92, 104), (120, 74, 56), (50, 78, 108))[int(rng.integers(4))]
    gate = (70, 88, 90) if kind == "weir" else gate
    hoists = rng.random() < (0.75 if kind == "barrage" else 0.4)
    decked = kind != "weir" and rng.random() < 0.85

    def draw() -> None:
        c.paint(body, stain)
        if stepped:
            for step in np.linspace(0.1, 0.95, int(np.clip(wall.face.max() / (2.5 * c.gsd), 2, 14))):
                c.line(wall.line(wall.down(float(step))), 0.7, brighter(base, light * 0.7), 0.5)
        if joints and kind != "weir":
            for at in np.arange(0.02, 1, 16 / land.length):
                c.paint(wall.strip(wall.half, foot, at, at + 0.6 / land.length), brighter(base, light * 0.75), 0.5)
        c.paint(wall.strip(-wall.half, wall.half), Material(brighter(base, 1.1), 0.03, 0.03, 0.03))
        if has_spillway:
            for k in range(bays):
                a, b = float(ends[k]), float(ends[k + 1])
                wetted = spills and running[k]
                c.paint(wall.strip(-wall.half - wall.back, wall.half + 1, a, b), gate)
                chute = WHITE_WATER if wetted else Material(brighter(base, light * 0.86), 0.05, 0.06, 0.05)
                c.paint(wall.strip(wall.half, foot, a, b), chute, 0.9)
            for at in ends if kind != "weir" else ():
                half = 1.3 / land.length
                pier = wall.strip(-wall.half - wall.back, wall.half + 0.35 * wall.face, at - half, at + half)
                c.paint(pier, brighter(base, 1.18))
            for at in (first, last):
                c.paint(wall.strip(wall.half, foot + 0.5 * apron, at, at + 1.6 / land.length), brighter(base, 1.2))
        if decked:
            wide = min(wall.half - 0.6, 3.6)
            c.paint(wall.strip(-wide, wide), Material(road, 0.03, 0.03, 0.03))
            for side in (-wide, wide):
                c.line(wall.line(side), 0.5, brighter(base, 1.25))
        if hoists and has_spillway:
            wide = 0.25 * min(bay, 14.0) / land.length
            for at in (ends[:-1] + ends[1:]) / 2 if kind == "barrage" else [(first + last) / 2]:
                box = wall.strip(-0.95 * wall.half, -0.1 * wall.half, float(at) - wide, float(at) + wide)
                c.paint(shifted(box, *c.shadow_offset(4.0)), (36, 38, 44), 0.5)
                c.paint(box, (206, 204, 198) if kind == "barrage" else (196, 150, 60))

    c.later(1.0, draw)
    if kind in ("gravity", "barrage") and rng.random() < 0.65:  # a power house at the foot, on one side of the spillway
        side = 0.5 * first if first > 1 - last else 0.5 * (1 + last)
        spot = wall.line(foot + 9.0)[min(59, max(0, round(59 * (side if kind == "barrage" else 0.3 + 0.4 * side))))]
        hall(c, float(spot[0]), float(spot[1]), 0.0, float(np.clip(0.2 * land.length, 20, 110)),
             float(np.clip(0.06 * land.length, 12, 26)), 10.0, str(rng.choice(["flat", "ribbed"])))  # fmt: skip
    return outlines


def embankment_dam(land: Land, wall: Wall, river: float, wet: bool) -> list[Points]:
    """A dam of earth or rock under grass or stone, with berms, and a chute beside it. Returns what belongs to it."""
    c, rng = land.canvas, land.canvas.rng
    body = wall.body()
    surface = (m.GRASS, m.LAWN, m.DRY_GRASS, m.GRAVEL, m.GRAVEL.tinted(0.8), m.SOIL)[int(rng.integers(6))]
    stone = (m.GRAVEL, m.GRAVEL.tinted(0.75), m.CONCRETE)[int(rng.integers(3))]
    light, berms = c.facing(math.pi / 2), int(rng.integers(0, 4))
    c.paint(body, surface)
    c.paint(body, (255, 250, 235) if light > 0 else (20, 22, 30), 0.22 * abs(light))
    c.paint(wall.strip(-wall.back - wall.half, -wall.half), stone.tinted(1 - 0.18 * light))
    for k in range(berms):
        step = wall.down((k + 1) / (berms + 1))
        c.line(wall.line(step - 1), 4.0, m.GRAVEL.tinted(1.1), 0.8)
        c.line(wall.line(step + 2), 2.5, (40, 42, 38), 0.25)
    if rng.random() < 0.4:  # drains down the slope
        for at in np.arange(0.1, 0.95, 60 / land.length):
            c.paint(wall.strip(wall.half, wall.down(1.0), at, at + 1.5 / land.length), (186, 182, 172), 0.8)
    if rng.random() < 0.4:  # a ramp across the slope
        ramp = np.linspace(0, 1, 61)
        c.line(wall.line(wall.half + ramp * wall.face, 0.1, 0.9), 5.0, m.GRAVEL.tinted(1.12), 0.9)
    c.line(wall.line(wall.down(1.0)), 3.0, (70, 72, 62), 0.4)
    c.paint(wall.strip(-wall.half, wall.half), m.GRAVEL.tinted(1.1))
    lane = m.ASPHALT if rng.random() < 0.6 else m.CONCRETE if rng.random() < 0.5 else m.SOIL.tinted(1.15)
    c.paint(wall.strip(-wall.half + 1, wall.half - 1), lane)
    for edge in (-wall.half + 0.5, wall.half - 0.5):
        c.line(wall.line(edge), 0.7, (206, 204, 196), 0.8)
    if rng.random() < 0.75:
        side = float(rng.choice([-1, 1]))
        wide = float(np.clip(land.length * rng.uniform(0.04, 0.1), 8, 45))
        x, y = wall.crest[-1 if side > 0 else 0] + (side * (wide * 0.7 + 4), 0)
        deep = float(wall.face.max())
        to = land.at[0] + side * (river / 2 + 0.2 * land.length)
        path = points([(x, y - 2 * wide - wall.half), (x, y), (x, y + 0.25 * deep), (0.5 * (x + to), y + 0.8 * deep),
                       (to, y + 1.3 * deep + 20), (to - side * 0.16 * land.length, y + 1.8 * deep + 40)])  # fmt: skip
        spread = [1.25, 1.0, 0.8, 0.7, 0.7, 1.0]
        for a, b, grow in zip(path[:-1], path[1:], spread, strict=False):
            _channel(c, a, b, wide * grow, wet and rng.random() < 0.5)
        c.paint(rectangle(float(x), float(y), wide * 1.2, 2 * wall.half), m.CONCRETE)
    if rng.random() < 0.5:  # the intake's tower and its footbridge
        foot = wall.line(-wall.back - wall.half)[int(rng.integers(15, 45))]
        tower = (float(foot[0]), float(foot[1]) - float(rng.uniform(12, 40)))
        c.line(points([foot, tower]), 2.0, (190, 188, 182))
        c.shadow(ellipse(*tower, 4.5), 9.0)
        c.later(1.2, lambda: c.paint(ellipse(*tower, 4.5), (196, 194, 188)))
    return [body]


def _channel(c: Canvas, a: Points, b: Points, wide: float, flowing: bool) -> None:
    turn, long = math.atan2(b[1] - a[1], b[0] - a[0]), float(np.hypot(*(b - a)))
    middle = (a + b) / 2
    c.paint(rectangle(middle[0], middle[1], long + 0.3 * wide, wide + 3, turn), (204, 200, 190))
    c.paint(rectangle(middle[0], middle[1], long + 0.35 * wide, wide, turn), m.CONCRETE.tinted(0.92))
    if flowing:
        c.paint(rectangle(middle[0], middle[1], long + 0.3 * wide, 0.8 * wide, turn), WHITE_WATER, 0.8, feather=2.0)
