"""Airplanes on the ground: airliners, business jets, propeller airplanes, fighters."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Rgb, brighter
from rs2sam2.data.synthetic.shapes import Points, ellipse, mirrored, place, points, rectangle, shifted


def airplane(canvas: Canvas, x: float, y: float, heading: float, length: float, kind: str = "airliner") -> None:
    """An airplane on the ground, nose along its heading. ``kind``: airliner, jet (business), propeller, fighter."""
    rng = canvas.rng
    colour, body = "white", (226.0, 228.0, 230.0)
    accent: Rgb = [(40, 62, 120), (170, 40, 44), (210, 130, 40), (60, 110, 90), (90, 96, 110)][rng.integers(5)]
    if kind == "fighter":
        colour, body = "gray", (128.0, 132.0, 136.0)
        span, fuselage_width = 0.64, 0.11
        wings = mirrored([(0.02, 0.04), (-0.16, 0.32), (-0.25, 0.32), (-0.24, 0.04)])
        tail = mirrored([(-0.30, 0.03), (-0.42, 0.16), (-0.49, 0.16), (-0.46, 0.03)])
        engines: list[tuple[float, float]] = []
    elif kind == "propeller":
        if rng.random() < 0.25:
            colour, body = ("red", (176.0, 54.0, 46.0)) if rng.random() < 0.5 else ("yellow", (212.0, 176.0, 70.0))
        span, fuselage_width = 1.25, 0.12
        wings = mirrored([(0.20, 0.05), (0.19, 0.58), (0.16, 0.62), (0.05, 0.61), (0.00, 0.05)])
        tail = mirrored([(-0.38, 0.02), (-0.40, 0.19), (-0.48, 0.20), (-0.49, 0.02)])
        engines = []
    elif kind == "jet":
        span, fuselage_width = 0.95, 0.105
        wings = mirrored([(0.05, 0.04), (-0.14, 0.44), (-0.21, 0.475), (-0.22, 0.45), (-0.14, 0.15), (-0.14, 0.04)])
        tail = mirrored([(-0.40, 0.02), (-0.47, 0.17), (-0.515, 0.17), (-0.49, 0.02)])
        engines = [(-0.22, 0.085)]
    else:
        span, fuselage_width = float(rng.uniform(0.9, 1.0)), 0.1
        s = span / 2
        wings = mirrored(
            [(0.14, 0.04), (0.04, 0.3 * s), (-0.115, 0.96 * s), (-0.15, s), (-0.17, 0.99 * s), (-0.10, 0.42 * s),
             (-0.075, 0.30 * s), (-0.075, 0.04)]
        )  # fmt: skip
        tail = mirrored([(-0.36, 0.02), (-0.445, 0.165), (-0.485, 0.17), (-0.46, 0.02)])
        engines = [(0.055, 0.33 * s)] if length < 52 or rng.random() < 0.5 else [(0.065, 0.3 * s), (-0.03, 0.64 * s)]
    w = fuselage_width / 2
    fuselage = mirrored(
        [(0.5, 0.0), (0.49, 0.35 * w), (0.465, 0.65 * w), (0.42, 0.92 * w), (0.37, w), (-0.2, w), (-0.32, 0.8 * w),
         (-0.43, 0.4 * w), (-0.5, 0.08 * w)]
    )  # fmt: skip

    def put(outline: Points, dx: float = 0.0, dy: float = 0.0) -> Points:
        return place(shifted(outline, dx, dy) * length, x, y, heading)

    nacelles = [
        put(mirrored([(0.055, 0.008), (0.05, 0.017), (-0.02, 0.016), (-0.04, 0.008)]), ex, side * ey)
        for ex, ey in engines
        for side in (1, -1)
    ]
    whole = [put(wings), put(tail), *nacelles, put(fuselage)]
    if not canvas.fits(*whole):
        return
    height = min(0.09 * length, 5.0)
    for part, low, high in ((wings, 0.5, 0.75), (tail, 0.9, 1.15), (fuselage, 0.25, 1.1)):
        canvas.shadow(put(part), high * height, low * height)
    fin = put(points([(-0.33, 0.0), (-0.47, 0.006), (-0.5, 0.004), (-0.5, -0.004), (-0.47, -0.006)]))
    canvas.shadow(fin, 2.6 * height, height)
    across = canvas.facing(heading + math.pi / 2)  # sun on the right-hand side of the body

    def draw() -> None:
        canvas.paint(put(wings), brighter(body, 0.9))
        canvas.paint(put(tail), brighter(body, 0.92))
        for side in (1, -1):
            half = [put(points(p) * (1, side)) for p in _wing_details(kind, span)]
            for flap in half:
                canvas.paint(flap, brighter(body, 0.66), 0.8)
        for nacelle in nacelles:
            canvas.paint(nacelle, brighter(body, 0.8))
        for nacelle in nacelles:
            nose = nacelle.mean(0) + 0.04 * length * np.array([math.cos(heading), math.sin(heading)])
            canvas.paint(ellipse(nose[0], nose[1], 0.011 * length, corners=10), (60, 62, 66), 0.8)
        # Fuselage shades the wing beside it, then is itself round: one flank in the sun, the other away from it.
        lee = put(fuselage * (0.8, 1.35), 0.02, -0.014 if across > 0 else 0.014)
        canvas.paint(lee, (40, 42, 48), 0.22 * abs(across), clip=put(wings))
        canvas.paint(put(fuselage), body)
        dark_side = -1 if across > 0 else 1
        for reach, strength in ((0.1, 0.16), (0.5, 0.22)):
            flank = _flank(fuselage, dark_side, reach)
            canvas.paint(put(flank), (70, 74, 84), strength * (0.4 + 0.6 * abs(across)))
        canvas.paint(put(_flank(fuselage, -dark_side, 0.15)), (255, 255, 255), 0.55 * abs(across))
        window = points([(0.465, 0.3 * w), (0.445, 0.55 * w), (0.435, 0.5 * w), (0.435, -0.5 * w), (0.445, -0.55 * w),
                         (0.465, -0.3 * w)])  # fmt: skip
        canvas.paint(put(window), (42, 46, 54), 0.85)
        if kind == "propeller":
            canvas.paint(put(rectangle(0.13, 0, 0.07, 1.5 * w)), (50, 56, 64), 0.8)
            canvas.paint(put(rectangle(0.497, 0, 0.012, 0.2)), (60, 60, 60), 0.5)
        elif kind == "fighter":
            canvas.paint(put(ellipse(0.28, 0, 0.07, 0.5 * w, corners=16)), (48, 50, 52), 0.9)
        else:
            canvas.paint(put(rectangle(-0.4, 0, 0.16, 0.012)), accent, 0.95)
        canvas.paint(fin, accent if kind != "fighter" else brighter(body, 0.8), 0.9)

    canvas.later(2, draw)
    canvas.instance("airplane", whole, level=2, colour=colour, length_m=round(length, 1), kind=kind)


def _wing_details(kind: str, span: float) -> list[list[tuple[float, float]]]:
    """Flaps along the trailing edge of one wing."""
    s = span / 2
    if kind == "airliner":
        return [
            [(-0.065, 0.06), (-0.065, 0.3 * s), (-0.075, 0.3 * s), (-0.075, 0.06)],
            [(-0.066, 0.32 * s), (-0.088, 0.42 * s), (-0.145, 0.9 * s), (-0.158, 0.9 * s), (-0.1, 0.42 * s),
             (-0.077, 0.32 * s)],
        ]  # fmt: skip
    if kind == "propeller":
        return [[(0.015, 0.08), (0.06, 0.58), (0.05, 0.58), (0.003, 0.08)]]
    if kind == "jet":
        return [[(-0.128, 0.06), (-0.128, 0.15), (-0.14, 0.15), (-0.14, 0.06)]]
    return [[(-0.225, 0.06), (-0.235, 0.3), (-0.25, 0.3), (-0.24, 0.06)]]


def _flank(fuselage: Points, side: int, reach: float) -> Points:
    """The part of a body on one side of a line ``reach`` of its half width off the middle."""
    half = fuselage[: len(fuselage) // 2]
    inner = half * (1, side * reach)
    return np.concatenate([half * (1, side), inner[::-1]])
