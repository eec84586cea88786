"""Buildings, trees and wind turbines: what stands on land and stays there. Sizes in metres, headings in radians."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Material, Rgb, brighter
from rs2sam2.data.synthetic.noise import FloatArray, smooth
from rs2sam2.data.synthetic.shapes import ellipse, place, points, rectangle, shifted

ROOFS: tuple[tuple[str, Rgb], ...] = (
    ("brown", (126, 104, 88)),
    ("brown", (108, 92, 80)),
    ("gray", (120, 120, 120)),
    ("gray", (142, 141, 138)),
    ("red", (148, 96, 80)),
    ("gray", (92, 94, 98)),
    ("white", (198, 196, 190)),
)
TREE_GREENS: tuple[Rgb, ...] = ((62, 82, 42), (52, 72, 38), (74, 90, 48), (48, 66, 40), (84, 94, 54), (66, 78, 50))


def house(canvas: Canvas, x: float, y: float, heading: float, length: float, width: float, hip: bool = True) -> None:
    """A dwelling under a pitched roof, its ridge along the heading."""
    rng = canvas.rng
    colour, base = ROOFS[int(rng.integers(len(ROOFS)))]
    base = brighter(base, float(rng.uniform(0.85, 1.12)))
    parts = [(0.0, 0.0, length, width, 0.0)]
    if rng.random() < 0.55:  # a wing across
        at = float(rng.uniform(-0.25, 0.25)) * length
        parts.append((at, 0.32 * width, width * 1.25, 0.62 * width, math.pi / 2))
    height = float(rng.uniform(4.0, 6.5))
    outlines = [place(rectangle(px, py, pl, pw, turn), x, y, heading) for px, py, pl, pw, turn in parts]
    if not canvas.fits(*outlines):
        return
    for outline in outlines:
        canvas.shadow(outline, height)

    def draw() -> None:
        for (px, py, pl, pw, turn), outline in zip(parts, outlines, strict=True):
            a, b, ridge = pl / 2, pw / 2, (pl - pw * (0.9 if hip else 0.0)) / 2
            ridge = max(ridge, 0.05 * pl)
            faces = {
                math.pi / 2: [(-a, b), (a, b), (ridge, 0), (-ridge, 0)],
                -math.pi / 2: [(-a, -b), (a, -b), (ridge, 0), (-ridge, 0)],
                0.0: [(a, -b), (a, b), (ridge, 0)],
                math.pi: [(-a, -b), (-a, b), (-ridge, 0)],
            }
            canvas.paint(outline, brighter(base, 0.9))
            for fall, face in faces.items():
                light = canvas.facing(heading + turn + fall)
                canvas.paint(place(place(face, px, py, turn), x, y, heading), brighter(base, 1 + 0.28 * light))
            line = place(place(points([(-ridge, 0), (ridge, 0)]), px, py, turn), x, y, heading)
            canvas.line(line, 0.35, brighter(base, 1.25), 0.5)
        canvas.roughen(outlines, 0.055)
        if rng.random() < 0.5:
            spot = place(points([(0.2 * length, 0.12 * width)]), x, y, heading)[0]
            canvas.paint(rectangle(spot[0], spot[1], 1.0, 0.9, heading), (112, 78, 66))

    canvas.later(3, draw)
    canvas.instance("building", outlines, level=3, colour=colour, kind="house")


def hall(
    canvas: Canvas, x: float, y: float, heading: float, length: float, width: float, height: float, kind: str = "flat"
) -> None:
    """A large building: ``flat`` with parapet and machinery, or ``ribbed`` metal like a warehouse or hangar."""
    rng = canvas.rng
    names: list[tuple[str, Rgb]] = [
        ("white", (206, 205, 200)), ("gray", (158, 157, 152)), ("gray", (132, 134, 136)), ("brown", (150, 134, 116)),
        ("white", (190, 192, 192)), ("blue", (104, 128, 150)) if kind == "ribbed" else ("gray", (146, 142, 136)),
    ]  # fmt: skip
    colour, base = names[int(rng.integers(len(names)))]
    outlines = [rectangle(x, y, length, width, heading)]
    if kind == "flat" and rng.random() < 0.5 and length > 30:
        at = float(rng.choice([-0.3, 0.0, 0.3]))
        outlines.append(place(rectangle(at * length, 0.6 * width, 0.35 * length, 0.7 * width), x, y, heading))
    if not canvas.fits(*outlines):
        return
    for outline in outlines:
        canvas.shadow(outline, height)
    stripes = (float(rng.uniform(2.0, 5.0)), heading, 0.04) if kind == "ribbed" else None
    slabs = (float(rng.uniform(8, 14)), heading, 0.06) if kind == "flat" else None
    units = rng.uniform(-0.4, 0.4, (int(max(3, length * width / 220)), 2))
    sizes = rng.uniform(1.2, 3.6, (len(units), 2))

    def draw() -> None:
        for outline in outlines:
            canvas.paint(outline, Material(base, 0.03, 0.04, 0.04, stripes=stripes, slabs=slabs))
        if kind == "ribbed":
            for flank in (1, -1):
                light = canvas.facing(heading + flank * math.pi / 2)
                side = place(points([(-length / 2, 0), (length / 2, 0), (length / 2, flank * width / 2),
                                     (-length / 2, flank * width / 2)]), x, y, heading)  # fmt: skip
                canvas.paint(side, (255, 255, 250) if light > 0 else (30, 32, 40), 0.2 * abs(light))
            for k in range(1, max(2, int(length / 12))):
                spot = place(points([(-length / 2 + k * 12.0, 0.25 * width)]), x, y, heading)[0]
                canvas.paint(rectangle(spot[0], spot[1], 1.4, 0.3 * width, heading), (222, 226, 226), 0.6)
            return
        for outline in outlines[:1]:
            inner = rectangle(x, y, length - 1.4, width - 1.4, heading)
            canvas.paint(outline, brighter(base, 1.16), 0.8, holes=[inner])
        for (u, v), (p, q) in zip(units, sizes, strict=True):
            spot = place(points([(u * length, v * width)]), x, y, heading)[0]
            box = rectangle(spot[0], spot[1], p, q, heading)
            canvas.paint(shifted(box, *canvas.shadow_offset(1.2)), (40, 42, 48), 0.4)
            canvas.paint(box, brighter(base, 1.22 if u > 0 else 0.8))

    canvas.later(3, draw)
    canvas.instance("building", outlines, level=3, colour=colour, kind="hall")


# -- trees ---------------------------------------------------------------------------------------------------------------

SPRITES = 10


@lru_cache(maxsize=256)
def _crown(seed: int, variant: int, pixels: int, azimuth_step: int) -> tuple[FloatArray, FloatArray]:
    """Light (n, n) and cover (n, n) of a tree crown ``pixels`` wide: a heap of leafy bumps lit from one side."""
    rng = np.random.default_rng([seed, variant, pixels])
    oversample = max(1, min(4, 48 // pixels))
    n = pixels * oversample
    yy, xx = np.mgrid[:n, :n].astype(np.float32)
    u, v = (xx + 0.5) / n * 2 - 1, (yy + 0.5) / n * 2 - 1
    height = np.full((n, n), -1.0, np.float32)
    for _ in range(14):
        angle, reach = rng.uniform(0, 2 * math.pi), 0.62 * math.sqrt(rng.uniform(0, 1))
        radius = rng.uniform(0.24, 0.42)
        distance = ((u - reach * math.cos(angle)) ** 2 + (v - reach * math.sin(angle)) ** 2) / radius**2
        height = np.maximum(
            height, np.sqrt(np.clip(1 - distance, 0, 1)) * radius + 0.5 * (1 - reach) - 2 * (distance > 1)
        )
    leaf = smooth(seed, 40 + variant, (0, 0, n, n), (max(1.2, n / 16), max(1.2, n / 16)))
    cover = np.clip((height + 0.05 * leaf) * 20, 0, 1)
    top = np.where(height > -0.5, height, 0) + 0.035 * leaf
    gy, gx = np.gradient(top, 2 / n)
    angle = azimuth_step * math.pi / 8
    light = 0.86 + 0.3 * np.clip((gx * math.cos(angle) + gy * math.sin(angle)), -1.4, 1.2) + 0.28 * (top - 0.35)
    light = np.clip(light, 0.34, 1.6)

    def shrink(a: NDArray[Any]) -> FloatArray:
        return np.asarray(a.reshape(pixels, oversample, pixels, oversample).mean((1, 3)), np.float32)

    weight = shrink(cover)
    return np.asarray(shrink(light * cover) / np.maximum(weight, 1e-3), np.float32), weight


def tree(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """A broad-leaved tree with its shadow. It hides what it overhangs."""
    rng = canvas.rng
    if not canvas.fits(ellipse(x, y, radius, corners=4)):
        return
    pixels = max(2, round(2 * radius / canvas.gsd))
    variant = int(rng.integers(SPRITES))
    green = TREE_GREENS[int(rng.integers(len(TREE_GREENS)))]
    tint = float(rng.uniform(0.8, 1.2))
    height = radius * float(rng.uniform(1.2, 2.0))
    dx, dy = canvas.shadow_offset(height)
    canvas.shadow(ellipse(x + dx * 0.62, y + dy * 0.62, 0.5 * math.hypot(dx, dy) * 0.76 + 0.7 * radius, 0.82 * radius,
                          math.atan2(dy, dx), 14), 0.0)  # fmt: skip
    px, py = canvas.to_pixels([(x, y)])[0]
    x0, y0 = math.floor(px - pixels / 2), math.floor(py - pixels / 2)
    rows = slice(max(y0, 0), min(y0 + pixels, canvas.height))
    columns = slice(max(x0, 0), min(x0 + pixels, canvas.width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    step = round(canvas.sun.azimuth / (math.pi / 8)) % 16

    light, cover = _crown(canvas.seed % 1000, variant, pixels, step)
    inside = slice(rows.start - y0, rows.stop - y0), slice(columns.start - x0, columns.stop - x0)

    def draw() -> None:
        picture = light[inside][..., None] * np.asarray(brighter(green, tint), np.float32)
        canvas.blend(rows, columns, cover[inside], picture)

    level = 4 + 0.001 * y / max(canvas.height * canvas.gsd, 1)
    canvas.later(level, draw)
    crown = ellipse(x, y, 0.86 * radius, corners=20)
    canvas.instance("tree", crown, pixels=(rows, columns, cover[inside]), level=level, diameter_m=round(2 * radius, 1))


def windmill(canvas: Canvas, x: float, y: float, height: float) -> None:
    """A wind turbine: seen from above mostly its blades, the pad, and a long shadow."""
    rng = canvas.rng
    spin, yaw = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0, 2 * math.pi))
    dx, dy = canvas.shadow_offset(height)
    if not canvas.fits(ellipse(x, y, 0.65 * height, corners=4)):
        return
    lean = 0.12 * height  # the tower leans out of the picture's middle a little, as off-nadir views show it
    side = yaw + math.pi / 2
    hub = (x + lean * math.cos(yaw), y + lean * math.sin(yaw))
    canvas.paint(ellipse(x, y, 7.0, corners=24), (176, 168, 150), 0.9)
    canvas.shadow(rectangle(x + dx / 2, y + dy / 2, math.hypot(dx, dy), 3.0, math.atan2(dy, dx)), 0.0)
    blades = []
    for k in range(3):
        a = spin + 2 * math.pi * k / 3
        # A rotor stands upright: from above its width shows in full along the side, its height barely.
        along, up = 0.5 * height * math.cos(a), 0.5 * height * math.sin(a)
        tip = (hub[0] + along * math.cos(side) + 0.2 * up * math.cos(yaw),
               hub[1] + along * math.sin(side) + 0.2 * up * math.sin(yaw))  # fmt: skip
        middle, reach = ((hub[0] + tip[0]) / 2, (hub[1] + tip[1]) / 2), math.hypot(tip[0] - hub[0], tip[1] - hub[1])
        blades.append(rectangle(*middle, reach, 2.2, math.atan2(tip[1] - hub[1], tip[0] - hub[0])))
        sx, sy = canvas.shadow_offset(height + up)
        top = (x + sx + along * math.cos(side), y + sy + along * math.sin(side))
        length = math.hypot(top[0] - x - dx, top[1] - y - dy)
        canvas.shadow(rectangle((x + dx + top[0]) / 2, (y + dy + top[1]) / 2, length, 2.2,
                                math.atan2(top[1] - y - dy, top[0] - x - dx)), 0.0)  # fmt: skip
    tower = rectangle((x + hub[0]) / 2, (y + hub[1]) / 2, lean + 2, 3.4, yaw)
    nacelle = rectangle(hub[0], hub[1], 8.0, 3.6, yaw)

    def draw() -> None:
        for part in (tower, *blades, nacelle):
            canvas.paint(part, (234, 235, 233))

    canvas.later(5, draw)
    canvas.instance("windmill", [tower, *blades, nacelle], level=5, colour="white")
