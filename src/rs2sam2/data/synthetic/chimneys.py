"""Chimneys and cooling towers, seen a little from the side; smoke and steam."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Rgb, brighter
from rs2sam2.data.synthetic.noise import FloatArray
from rs2sam2.data.synthetic.shapes import Points, arc, ellipse, place, rectangle, shifted

SHAFTS: dict[str, tuple[Rgb, ...]] = {
    "concrete": ((176, 172, 164), (196, 192, 184), (150, 146, 138)),
    "brick": ((150, 96, 76), (128, 88, 72), (166, 116, 90)),
    "steel": ((196, 200, 202), (222, 222, 218), (120, 124, 130)),
}
RED: Rgb = (190, 62, 48)
WHITE: Rgb = (232, 228, 222)


@dataclass(frozen=True)
class View:
    """How what stands leans in the picture: scene metres (x, y) a metre of height; and where the wind blows to."""

    lean: tuple[float, float]
    wind: float
    roofs: list[tuple[Points, float, tuple[float, float]]] = field(default_factory=list)
    """What shadows of chimneys fall upon: outline as seen, height, how far it is shifted from its foot."""

    def top(self, x: float, y: float, height: float) -> tuple[float, float]:
        """Where a point ``height`` metres above (x, y) is seen."""
        return x + self.lean[0] * height, y + self.lean[1] * height


def silhouette(x: float, y: float, levels: Points, lean: tuple[float, float]) -> Points:
    """The outline of a round body of ``levels`` (N, 2), height and radius, that leans by (x, y) a metre of height."""
    radii, shifts = levels[:, 1], levels[:, 0] * math.hypot(*lean)
    low, high = (shifts - radii).min(), (shifts + radii).max()
    u = (low + high) / 2 - (high - low) / 2 * np.cos(np.linspace(0, math.pi, 57))
    v = np.sqrt(np.clip(radii**2 - (u[:, None] - shifts) ** 2, 0, None).max(1))
    half = np.stack([u, v], 1)
    return place(np.concatenate([half, (half * (1, -1))[::-1]]), x, y, math.atan2(lean[1], lean[0]))


def taper(height: float, foot: float, top: float, low: float = 0.0, high: float = 1.0) -> Points:
    """Levels of a cone between two shares of its height; radii of foot and top."""
    share = np.linspace(low, high, 48)
    return np.stack([share * height, foot + share * (top - foot)], 1)


def column(
    c: Canvas, x: float, y: float, height: float, foot: float, top: float, view: View,
    bands: list[tuple[float, float, Rgb]], flues: int,
) -> Points | None:  # fmt: skip
    """A round shaft (radii of foot and top) in bands of colour by share of height, open at ``flues`` mouths."""
    outline = silhouette(x, y, taper(height, foot, top), view.lean)
    if not c.fits(outline):
        return None
    c.shadow(silhouette(x, y, taper(height, foot, top), c.shadow_offset(1.0)), 0.0)
    heading, mouth = math.atan2(view.lean[1], view.lean[0]), view.top(x, y, height)
    soot = float(c.rng.uniform(0.55, 0.95))

    def shade() -> None:
        for roof, tall, off in view.roofs:
            if tall < 0.9 * height:
                levels = taper(height, foot, top, tall / height) - (tall, 0)
                c.paint(silhouette(x + off[0], y + off[1], levels, c.shadow_offset(1.0)), (30, 32, 40), 0.5, clip=roof)

    c.later(3.9, shade)

    def draw() -> None:
        for low, high, rgb in bands:
            c.paint(silhouette(x, y, taper(height, foot, top, low, high), view.lean), rgb)
        edges = np.sin(np.linspace(-math.pi / 2, math.pi / 2, 11))
        reach = math.dist((x, y), mouth)
        for a, b in pairwise(edges.tolist()):
            t = (a + b) / 2  # what is seen is the side that faces the camera, against the lean
            light = c.facing(heading + math.pi - math.asin(t))
            strip = place([(0, a * foot), (0, b * foot), (reach, b * top), (reach, a * top)], x, y, heading)
            c.paint(strip, (255, 252, 240) if light > 0 else (22, 24, 32), (0.22 if light > 0 else 0.5) * abs(light))
        rim = brighter(bands[-1][2], 1.08)
        c.paint(ellipse(*mouth, top), rim)
        if flues == 1:
            c.paint(ellipse(*mouth, 0.78 * top), brighter(rim, 0.3 * soot))
            c.paint(shifted(ellipse(*mouth, 0.5 * top), *c.shadow_offset(0.25 * top)), brighter(rim, 0.42 * soot))
        elif not flues:
            c.paint(ellipse(*mouth, top), brighter(rim, 0.78), holes=[ellipse(*mouth, 0.9 * top)])
            c.paint(rectangle(*mouth, 1.9 * top, 0.8, heading + 0.7), brighter(rim, 0.72), 0.8)
        else:
            c.paint(ellipse(*mouth, 0.86 * top), brighter(rim, 0.75))
            for k in range(flues):
                spot = arc(*mouth, 0.46 * top, heading + 2 * math.pi * k / flues, 7.0, 2)[0]
                c.paint(ellipse(float(spot[0]), float(spot[1]), 0.9 * top / (flues + 0.6), corners=20), (44, 42, 42))

    c.hide(outline, _level(y))
    c.later(_level(y), draw)
    return outline


def _level(y: float) -> float:
    """Shafts rise above the crowns beside them; of two, the one farther down is painted later."""
    return 5 + 0.0001 * y


def chimney(c: Canvas, x: float, y: float, height: float, view: View, kind: str, foot: float, steam: float) -> None:
    """A chimney; ``steam`` is the length of its plume in metres."""
    rng = c.rng
    rgb = brighter(SHAFTS[kind][int(rng.integers(3))], float(rng.uniform(0.88, 1.1)))
    top = foot * float(rng.uniform(0.45, 0.85) if kind != "steel" else rng.uniform(0.8, 1.0))
    bands = [(0.0, 1.0, rgb)]
    style = rng.random()
    if kind != "brick" and style < 0.55:  # obstruction marks: all over, or on the upper part
        start = 0.0 if style < 0.25 else float(rng.choice([0.4, 0.6, 0.75]))
        edges = np.linspace(start, 1, int(rng.integers(3, 10)) + 1)
        first, other = (RED, WHITE) if rng.random() < 0.8 else (WHITE, RED)
        marks = [(a, b, (other, first)[(len(edges) - k) % 2])
                 for k, (a, b) in enumerate(pairwise(edges.tolist()))]  # fmt: skip
        bands = [(0.0, max(start, 0.01), rgb), *marks]
    elif style < 0.75:
        bands.append((0.93, 1.0, brighter(rgb, float(rng.choice([0.45, 0.65, 1.2])))))
    flues = int(rng.choice([2, 3, 4])) if foot > 7 and rng.random() < 0.35 else 1
    c.paint(ellipse(x, y, 1.6 * foot, corners=24), (150, 146, 138), 0.7)
    outline = column(c, x, y, height, foot, top, view, bands, flues)
    if outline is None:
        return
    colour = "red" if len(bands) > 2 else {"brick": "brown", "concrete": "gray", "steel": "gray"}[kind]
    c.instance("chimney", outline, level=_level(y), colour=colour, height_m=round(height), kind=kind)
    if steam:
        plume(c, *view.top(x, y, height), height, top, view.wind, steam)


def cooling_tower(c: Canvas, x: float, y: float, foot: float, view: View, record: bool, steam: float) -> None:
    """A hyperbolic cooling tower: the shell that widens towards the ground, a broad rim, a dark inside."""
    rng = c.rng
    height = foot * float(rng.uniform(2.2, 2.9))
    share = np.linspace(0, 1, 25)
    throat = float(rng.uniform(0.54, 0.64))
    levels = np.stack([share * height, foot * np.sqrt(throat**2 + (1 - throat**2) * ((share - 0.78) / 0.78) ** 2)], 1)
    outline = silhouette(x, y, levels, view.lean)
    if not c.fits(outline):
        return
    c.shadow(silhouette(x, y, levels, c.shadow_offset(1.0)), 0.0)
    c.paint(ellipse(x, y, 1.12 * foot), (150, 148, 140), 0.9)
    rgb = brighter((186, 182, 172), float(rng.uniform(0.85, 1.12)))
    inside = float(rng.uniform(0.3, 0.6))

    def draw() -> None:
        c.paint(ellipse(x, y, foot), brighter(rgb, 0.4))
        for tall, radius in levels[1:]:
            middle = view.top(x, y, float(tall))
            for k in range(28):
                at = 2 * math.pi * k / 28
                edge = arc(*middle, float(radius), at - 0.01, at + 2 * math.pi / 28 + 0.01, 4)
                light = c.facing(at + math.pi / 28)
                c.paint(np.concatenate([[middle], edge]), brighter(rgb, (0.84 + 0.26 * light) * (1 - 0.04 * (k % 2))))
        rim, mouth = float(levels[-1, 1]), view.top(x, y, height)
        c.paint(ellipse(*mouth, rim), brighter(rgb, 1.15))
        hole = ellipse(*mouth, rim - max(1.2, 0.04 * rim))
        c.paint(hole, brighter(rgb, inside * 0.9))
        for k in range(6):  # the inner wall is lit where it faces the sun
            off = c.shadow_offset(-0.07 * rim * (k + 1) / c.sun.reach)
            c.paint(ellipse(mouth[0] + off[0], mouth[1] + off[1], rim * (0.9 - 0.07 * k)), (38, 40, 44), 0.3, clip=hole)

    level = _level(y) - 0.1
    c.hide(outline, level)
    c.later(level, draw)
    if record:
        c.instance("chimney", outline, level=level, colour="gray", height_m=round(height), kind="cooling tower")
    if steam:
        plume(c, *view.top(x, y, height), height, 0.9 * float(levels[-1, 1]), view.wind, steam)


def plume(c: Canvas, x: float, y: float, height: float, radius: float, wind: float, length: float) -> None:
    """Smoke or steam that drifts from a mouth at (x, y), and its soft shadow on the ground."""
    rng = c.rng
    left, up, right, down = c.window
    rows, columns = slice(up, down), slice(left, right)
    wave, curl = c.field("large")[rows, columns], c.field("mid")[rows, columns]
    spread, thick = float(rng.uniform(0.1, 0.22)), float(rng.uniform(0.45, 0.95))
    grey = float(rng.choice([236.0, 228.0, 206.0]))

    def density(at: tuple[float, float]) -> FloatArray:
        px, py = c.to_pixels([at])[0]
        dx = (np.arange(left, right, dtype=np.float32) + 0.5 - px) * c.gsd
        dy = (np.arange(up, down, dtype=np.float32)[:, None] + 0.5 - py) * c.gsd
        angle = wind + c.rotation
        u, v = dx * math.cos(angle) + dy * math.sin(angle), dy * math.cos(angle) - dx * math.sin(angle)
        wide = radius + spread * np.clip(u, 0, None)
        v += 0.3 * (wide - radius) * wave
        body = np.exp(-((v / wide) ** 2) * 1.4 - np.clip(u, 0, None) / length)
        body *= np.clip(1 + (u - 0.3 * radius) / radius, 0, 1) * np.clip(0.85 + 0.22 * wave + 0.12 * curl, 0.2, 1.2)
        return np.asarray(np.clip(body * thick, 0, 0.95), np.float32)

    dx, dy = c.shadow_offset(height + 0.3 * radius)
    lean = np.array([x, y])
    c.blend(rows, columns, 0.5 * density((lean[0] + dx, lean[1] + dy)), (36, 40, 50))
    light = np.clip(grey + 9 * curl + 8 * wave, 0, 252)[..., None] * np.array([1.0, 1.0, 1.005], np.float32)
    c.later(6, lambda: c.blend(rows, columns, density((x, y)), np.asarray(light, np.float32)))
