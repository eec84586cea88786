"""What a golf course is made of: fairways, greens, tees, bunkers, ponds, cart paths."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Material, Rgb, brighter
from rs2sam2.data.synthetic.shapes import Points, place, rectangle, shifted, winding
from rs2sam2.data.synthetic.site import Site
from rs2sam2.data.synthetic.water import water


@dataclass(frozen=True)
class Turf:
    """The grasses of a course, from the roughest to the finest, and its sand."""

    rough: Material
    fairway: Rgb
    green: Rgb
    sand: Rgb


TURFS: dict[str, tuple[Turf, ...]] = {
    "lush": (
        Turf(Material((72, 88, 50), 0.1, 0.07, 0.07, (98, 98, 62), 0.3), (92, 124, 62), (112, 150, 78), (226, 214, 186)),
        Turf(Material((64, 88, 46), 0.1, 0.06, 0.06, (84, 94, 54), 0.3), (78, 112, 52), (98, 136, 70), (236, 228, 208)),
        Turf(Material((90, 96, 60), 0.1, 0.08, 0.08, (122, 112, 76), 0.4), (112, 132, 76), (118, 152, 86),
             (214, 190, 150)),
    ),
    "dry": (
        Turf(Material((138, 122, 84), 0.1, 0.08, 0.08, (106, 100, 64), 0.35), (146, 144, 92), (122, 146, 84),
             (232, 216, 180)),
        Turf(Material((120, 108, 72), 0.12, 0.1, 0.08, (146, 126, 88), 0.4), (118, 128, 76), (112, 146, 78),
             (216, 198, 160)),
    ),
    "desert": (
        Turf(Material((82, 102, 54), 0.08, 0.06, 0.06, (104, 112, 66), 0.3), (84, 122, 56), (104, 146, 74),
             (238, 226, 196)),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Course:
    """Where a course lies: local metres, u along its fairways, are bent, turned by ``heading`` and moved into the scene.

    A part of a course whose fairways run another way has a ``turn`` of its own before that.
    """

    x: float
    y: float
    heading: float
    bend: float
    wave: float
    phase: float
    turf: Turf
    turn: float = 0.0

    def at(self, local: ArrayLike) -> Points:
        """Scene metres of local ones (N, 2)."""
        p = place(local, 0.0, 0.0, self.turn)
        k, far = 2 * math.pi / self.wave, self.bend
        bent = p + far * np.stack([np.sin(1.3 * k * p[:, 1] + 2 * self.phase), np.sin(k * p[:, 0] + self.phase)], 1)
        return place(bent, self.x, self.y, self.heading)


def blob(rng: np.random.Generator, x: float, y: float, radius: float, uneven: float = 0.18, stretch: float = 1.0,
         heading: float = 0.0, corners: int = 48) -> Points:  # fmt: skip
    """A round form with bays and lobes."""
    t = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    r = np.ones_like(t)
    for k in (2, 3, 4, 5, 6):
        r += uneven * rng.normal() * np.cos(k * t + rng.uniform(0, 6.28)) * (2 / k) ** 1.2
    r = radius * np.clip(r, 0.35, 1.7)
    return place(np.stack([r * np.cos(t) * stretch, r * np.sin(t) / stretch], 1), x, y, heading)


def golf_hole(
    site: Site, course: Course, u: float, v: float, length: float, pitch: float, back: bool, path: Rgb
) -> None:
    """A hole from tee to green along local u: fairway, apron and green, tees, bunkers, sometimes a pond, a cart path."""
    c, rng, turf = site.canvas, site.canvas.rng, course.turf
    bends = [float(b) for b in rng.normal(0, (0.1 * pitch, 0.06 * pitch, 0.03 * pitch))]
    slant = [v + float(off) for off in rng.normal(0, 0.1 * pitch, 2)]
    ends = ((u + length, slant[0]), (u, slant[1])) if back else ((u, slant[0]), (u + length, slant[1]))
    local = winding(*ends, bends, 70)
    line = course.at(local)
    turn = math.atan2(*(line[-1] - line[-8])[::-1])
    mown = (
        float(rng.uniform(7, 14)),
        turn + float(rng.choice([0.0, math.pi / 2, 0.6])),
        float(rng.uniform(0.02, 0.09)),
    )
    fairway = Material(turf.fairway, 0.045, 0.035, 0.05, brighter(turf.fairway, 0.93), 0.3, stripes=mown)
    half = float(rng.uniform(0.15, 0.24)) * pitch if pitch < 110 else float(rng.uniform(13, 20))
    if length > 180:
        first = int(70 * min(0.35, float(rng.uniform(45, 110)) / length))
        part = line[first:68]
        t = np.linspace(0, 1, len(part))
        width = half * (1 + 0.22 * np.sin(2 * math.pi * (rng.uniform(1, 2.2) * t + rng.uniform(0, 1))))
        width *= np.minimum(1, np.sqrt(np.minimum(t / 0.08, (1 - t) / 0.06) + 0.02))
        for margin, surface, alpha in ((5.0, brighter(turf.fairway, 0.93), 0.45), (0.0, fairway, 1.0)):
            c.paint(ribbon(part, width + margin), surface, alpha, feather=1.5)
    lane = shifted(local, 0.0, float(rng.choice([-1, 1])) * (half + float(rng.uniform(5, 9))))
    lane[:, 1] += 3 * np.sin(np.linspace(0, float(rng.uniform(4, 14)), len(lane)))
    c.line(course.at(lane), 2.4, path, 0.8)
    if rng.random() < 0.24:
        at = line[int(rng.integers(20, 60))]
        lake = float(rng.uniform(10, 32 if pitch < 110 else 20))
        side = float(rng.choice([-1, 1])) * (half + float(rng.uniform(0.4, 0.9)) * lake)
        spot = (float(at[0] - side * math.sin(turn)), float(at[1] + side * math.cos(turn)))
        pond = blob(rng, *spot, lake, 0.2, float(rng.uniform(1, 1.5)), turn)
        c.paint(pond * 1.06 - 0.06 * np.array(spot), brighter(turf.rough.rgb, 0.8), feather=1.5)
        water(c, pond)
        site.take(*spot, lake)
    gx, gy = line[-1].tolist()
    size = float(rng.uniform(9, 16))
    green = blob(rng, gx, gy, size, 0.09, float(rng.uniform(1.0, 1.3)), float(rng.uniform(0, 3.14)))
    c.paint((green - (gx, gy)) * 1.45 + np.array([gx, gy]), fairway, 0.9, feather=1.2)
    c.paint((green - (gx, gy)) * 1.12 + np.array([gx, gy]), brighter(turf.green, 0.9))
    c.paint(green, Material(turf.green, 0.02, 0.02, 0.03, stripes=(3.0, turn + 0.7, 0.03)))
    for k in range(int(rng.integers(2, 5))):  # the tees of several lengths
        nth = min(round(k * 17 * 70 / length), 24)
        at, ahead = line[nth], line[nth + 1]
        face = math.atan2(*(ahead - at)[::-1])
        off = float(rng.uniform(-5, 5))
        tee = rectangle(float(at[0]) - off * math.sin(face), float(at[1]) + off * math.cos(face),
                        float(rng.uniform(8, 15)), float(rng.uniform(5, 8)), face)  # fmt: skip
        c.paint(tee, brighter(turf.fairway, 1.06))
    start = float(rng.uniform(0, 6.28))
    for _ in range(int(rng.integers(0, 5))):  # around the green
        start += float(rng.uniform(0.7, 1.7))
        away = size * 1.35 + float(rng.uniform(4, 10))
        bunker(c, gx + away * math.cos(start), gy + away * math.sin(start), start + math.pi / 2, turf.sand)
    for _ in range(int(rng.integers(0, 3)) if length > 180 else 0):
        at = line[int(rng.integers(28, 58))]
        side = float(rng.choice([-1, 1])) * half * float(rng.uniform(0.8, 1.3))
        for k in range(int(rng.choice([1, 1, 2, 3]))):
            x = float(at[0] - side * math.sin(turn)) + 17 * k * math.cos(turn)
            bunker(c, x, float(at[1] + side * math.cos(turn)) + 17 * k * math.sin(turn), turn, turf.sand)
    for x, y in line[::4].tolist():
        site.take(x, y, half + 2)
    site.take(gx, gy, size + 14)


def ribbon(line: Points, half: NDArray[np.float64]) -> Points:
    """The outline of a line whose half width varies."""
    step = np.gradient(line, axis=0)
    step /= np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
    normal = np.stack([-step[:, 1], step[:, 0]], 1) * half[:, None]
    return np.concatenate([line + normal, (line - normal)[::-1]])


def bunker(c: Canvas, x: float, y: float, heading: float, sand: Rgb) -> None:
    """A pit of pale sand with lobes; its lip shades the side towards the sun."""
    rng = c.rng
    pit = blob(rng, x, y, float(rng.uniform(3.5, 8.5)), 0.22, float(rng.uniform(1.0, 1.6)), heading)
    c.paint((pit - (x, y)) * 1.15 + np.array([x, y]), (96, 112, 62), 0.35)
    c.paint(pit, Material(brighter(sand, 0.62), 0.03, 0.03, 0.0))
    c.paint(shifted(pit, *c.shadow_offset(0.7)), Material(sand, 0.025, 0.03, 0.02), clip=pit)
