"""Roads, car parks, traffic, bridges. Sizes in metres, headings in radians."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Material, Rgb
from rs2sam2.data.synthetic.shapes import (
    Points,
    along,
    place,
    points,
    rectangle,
    stroke,
)
from rs2sam2.data.synthetic.vehicles import vehicle

PAINT: Rgb = (226, 226, 220)
YELLOW: Rgb = (206, 176, 84)


def road(
    canvas: Canvas, path: Points, width: float = 8.0, kind: str = "street", annotate: bool = True, kerb: bool = True
) -> None:
    """A road along a line. ``kind``: street (dashed middle line), highway (lanes, shoulders), lane (unmarked), dirt."""
    surface = {"street": m.ASPHALT, "highway": m.CONCRETE.tinted(0.86), "lane": m.ASPHALT.tinted(1.06), "dirt": m.SOIL}[
        kind
    ]
    outline = stroke(path, width)
    if kerb and kind in ("street", "highway"):
        canvas.paint(stroke(path, width + 3.4), m.CONCRETE.tinted(0.92) if kind == "street" else m.GRAVEL, 0.9)
    canvas.paint(outline, surface, feather=0.6 if kind == "dirt" else 0.0)
    if kind == "dirt":
        for off in (-0.22, 0.22):
            canvas.line(_offset(path, off * width), 0.7, (172, 152, 120), 0.5)
        canvas.line(path, 0.8, (112, 112, 78), 0.4)
    else:
        for off in (-0.27, 0.27):  # wheels polish, oil darkens
            canvas.line(_offset(path, off * width), 1.4, (60, 60, 62), 0.12)
    if kind in ("street", "highway"):
        for off in (-0.47, 0.47):
            canvas.line(_offset(path, off * width), 0.15, PAINT, 0.55)
    if kind == "street" and width >= 7:
        dashes(canvas, path, 9.0, 3.6, YELLOW if width < 12 else PAINT)
    if kind == "highway":
        canvas.line(path, 0.5, YELLOW, 0.7)
        for off in (-0.24, 0.24):
            dashes(canvas, _offset(path, off * width), 12.0, 4.0, PAINT)
    if annotate:
        canvas.instance("road", outline, kind=kind)


def dashes(canvas: Canvas, path: Points, spacing: float, length: float, rgb: Rgb) -> None:
    """A broken line: one mark of ``length`` every ``spacing`` metres."""
    spots, turns = along(path, spacing)
    wide = max(0.16, 0.4 * canvas.gsd)
    marks = [rectangle(x, y, length, wide, turn) for (x, y), turn in zip(spots.tolist(), turns.tolist(), strict=True)]
    if marks:
        canvas.paint(marks, rgb, 0.65)


def _offset(path: Points, distance: float) -> Points:
    step = np.gradient(path, axis=0)
    step /= np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
    return path + distance * np.stack([-step[:, 1], step[:, 0]], 1)


def traffic(canvas: Canvas, path: Points, width: float, spacing: float, level: float | None = None) -> None:
    """Vehicles driving along a road, on the right, ``spacing`` metres apart on average."""
    rng = canvas.rng
    for side in (1, -1):
        spots, turns = along(_offset(path, side * width * 0.24), 7.0)
        last = -1e9
        for k, ((px, py), turn) in enumerate(zip(spots, turns, strict=True)):
            if k * 7.0 - last < 16 or rng.random() > 7.0 / spacing:
                continue
            last = k * 7.0
            kind = str(rng.choice(["car", "car", "car", "car", "van", "truck", "bus"]))
            vehicle(canvas, px, py, turn if side == 1 else turn + math.pi, kind, level)


def car_park(
    canvas: Canvas, x: float, y: float, heading: float, length: float, width: float, full: float = 0.6
) -> None:
    """A paved lot with rows of marked bays, a share of them taken."""
    rng = canvas.rng
    canvas.paint(rectangle(x, y, length, width, heading), m.ASPHALT.tinted(float(rng.uniform(0.85, 1.2))))
    bay, deep, lane = 2.6, 5.0, 6.5
    v = -width / 2 + 1.0
    flip = 1
    while v + deep <= width / 2 - 0.5:
        n = int((length - 4) / bay)
        wide = max(0.12, 0.5 * canvas.gsd)
        lines = [rectangle(-n * bay / 2 + k * bay, v + deep / 2, wide, deep) for k in range(n + 1)]
        canvas.paint([place(line, x, y, heading) for line in lines], PAINT, 0.8 * 0.12 / wide)
        for k in range(n):
            u = -n * bay / 2 + k * bay
            if rng.random() < full:
                spot = place(points([(u + bay / 2, v + deep / 2)]), x, y, heading)[0]
                nose = heading + (math.pi / 2 if rng.random() < 0.5 else -math.pi / 2) + float(rng.normal(0, 0.02))
                vehicle(canvas, float(spot[0]), float(spot[1]), nose, "van" if rng.random() < 0.1 else "car")
        v += deep + (lane if flip > 0 else 0.0)
        flip = -flip


def bridge(
    canvas: Canvas, start: tuple[float, float], end: tuple[float, float], width: float, height: float = 7.0
) -> None:
    """A deck over water between two points, with what lies below hidden and its shadow beside it."""
    rng = canvas.rng
    path = np.linspace(start, end, 24)
    deck = stroke(path, width)
    heading = math.atan2(end[1] - start[1], end[0] - start[0])
    canvas.shadow(deck, height, height - 1.5)
    canvas.hide(deck, 2.5)
    lanes: Rgb = (98, 98, 100) if rng.random() < 0.6 else (150, 147, 139)
    arched = rng.random() < 0.35

    def draw() -> None:
        canvas.paint(deck, m.CONCRETE)
        canvas.paint(stroke(path, width - 2.6), Material(lanes, 0.04, 0.03, 0.03))
        for off in (-0.5, 0.5):
            canvas.line(_offset(path, off * (width - 0.5)), 0.5, (198, 196, 190))
        dashes(canvas, path, 9.0, 3.6, PAINT)
        if arched:
            spots, turns = along(path, 9.0)
            for off in (-0.5, 0.5):
                canvas.line(_offset(path[4:-4], off * (width - 1.2)), 1.0, (120, 132, 140))
            for (px, py), _ in list(zip(spots, turns, strict=True))[2:-2]:
                canvas.paint(rectangle(px, py, 0.6, width, heading), (130, 140, 146), 0.7)

    canvas.later(2.5, draw)
    canvas.instance("bridge", deck, level=2.5, length_m=round(float(math.dist(start, end)), 1))
    traffic(canvas, path, width, 40.0, level=2.6)
