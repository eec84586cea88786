"""Sports grounds: courts, diamonds, running tracks, stadiums. Sizes in metres, headings in radians."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.grounds import PAINT
from rs2sam2.data.synthetic.materials import Material, Rgb
from rs2sam2.data.synthetic.shapes import (
    Points,
    arc,
    ellipse,
    oval,
    place,
    points,
    rectangle,
    sector,
    shifted,
    stroke,
)

COURT_COLOURS: tuple[tuple[str, Rgb, Rgb], ...] = (
    ("green", (72, 116, 84), (98, 134, 96)),
    ("blue", (58, 92, 134), (74, 122, 84)),
    ("red", (146, 84, 68), (96, 124, 92)),
    ("green", (66, 108, 80), (146, 90, 74)),
    ("blue", (66, 102, 142), (96, 130, 158)),
)
"""(colour of the playing area by name, playing area, surround)."""


def _lines(canvas: Canvas, x: float, y: float, heading: float, paths: list[Points], width: float = 0.1) -> None:
    for path in paths:
        canvas.line(place(path, x, y, heading), width, PAINT, 0.95)


def _box(x0: float, y0: float, x1: float, y1: float) -> Points:
    return points([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])


def tennis_court(canvas: Canvas, x: float, y: float, heading: float, style: int = 0) -> None:
    """A court of 23.77 x 10.97 m in its run-off; the mask ends at the lines, as in NWPU VHR-10."""
    colour, inner, outer = COURT_COLOURS[style % len(COURT_COLOURS)]
    pad = rectangle(x, y, 36, 18, heading)
    if not canvas.fits(pad):
        return
    canvas.paint(pad, Material(outer, 0.03, 0.03, 0.04))
    a, b, s, t = 11.885, 5.485, 4.115, 6.40
    court = rectangle(x, y, 2 * a, 2 * b, heading)
    canvas.paint(court, Material(inner, 0.03, 0.03, 0.04))
    _lines(canvas, x, y, heading, [
        _box(-a, -b, a, b), points([(-a, -s), (a, -s)]), points([(-a, s), (a, s)]), points([(-t, -s), (-t, s)]),
        points([(t, -s), (t, s)]), points([(-t, 0), (t, 0)]),
    ])  # fmt: skip
    net = rectangle(x, y, 0.25, 12.8, heading)
    canvas.paint(shifted(net, *canvas.shadow_offset(0.9)), (30, 34, 36), 0.35)
    canvas.paint(net, (52, 60, 58), 0.8)
    canvas.instance("tennis court", court, colour=colour)


def basketball_court(canvas: Canvas, x: float, y: float, heading: float, style: int = 0) -> None:
    """A court of 28 x 15 m with its keys, circles and hoops; the mask ends at the lines, as in NWPU VHR-10."""
    colour, inner, outer = COURT_COLOURS[style % len(COURT_COLOURS)]
    if style >= len(COURT_COLOURS):
        colour, inner, outer = "gray", (134, 132, 126), (122, 121, 116)
    pad = rectangle(x, y, 32, 18.5, heading)
    if not canvas.fits(pad):
        return
    canvas.paint(pad, Material(outer, 0.04, 0.03, 0.04))
    court = rectangle(x, y, 28, 15, heading)
    canvas.paint(court, Material(inner, 0.04, 0.03, 0.04))
    key: Rgb = (inner[0] * 0.78 + 26, inner[1] * 0.74, inner[2] * 0.74)
    paths = [_box(-14, -7.5, 14, 7.5), points([(0, -7.5), (0, 7.5)]), arc(0, 0, 1.8, 0, 2 * math.pi)]
    for end in (1, -1):
        canvas.paint(place(rectangle(end * 11.1, 0, 5.8, 4.9), x, y, heading), key)
        middle = math.pi if end == 1 else 0.0
        paths += [
            _box(end * 14, -2.45, end * 8.2, 2.45),
            arc(end * 8.2, 0, 1.8, 0, 2 * math.pi),
            np.concatenate([[(end * 14, end * 6.6)], arc(end * 12.4, 0, 6.6, middle - math.pi / 2, middle + math.pi / 2),
                            [(end * 14, -end * 6.6)]]),
        ]  # fmt: skip
    _lines(canvas, x, y, heading, paths)
    for end in (1, -1):
        board = place(rectangle(end * 12.8, 0, 0.4, 1.8), x, y, heading)
        canvas.paint(shifted(board, *canvas.shadow_offset(3.0)), (30, 32, 36), 0.4)
        canvas.paint(board, (232, 232, 230))
    canvas.instance("basketball court", court, colour=colour)


def baseball_field(
    canvas: Canvas, x: float, y: float, heading: float, size: float = 1.0, outfield: bool = True
) -> None:
    """A diamond with its skinned infield. (x, y) is home plate, the heading points to second base.

    The mask is the diamond: dirt, infield grass and the foul ground behind the plate.
    """
    base = 27.4 * size
    quarter = math.pi / 4

    def put(outline: Points) -> Points:
        return place(outline, x, y, heading)

    if not canvas.fits(put(ellipse(18 * size, 0, 34 * size, corners=8))):
        return
    if outfield:
        park = put(sector(-8 * size, 0, 108 * size, -quarter * 1.08, quarter * 1.08, 40))
        canvas.paint(park, Material((66, 94, 48), 0.05, 0.02, 0.03, stripes=(11.0, heading + 0.6, 0.05)))
        canvas.paint(stroke(place(arc(-8 * size, 0, 106 * size, -quarter * 1.06, quarter * 1.06), x, y, heading), 4.0 * size),
                     m.CLAY, 0.7)  # fmt: skip
    reach = 29 * size
    mound_x = 18.4 * size
    dirt_rgb = float(canvas.rng.uniform(0.92, 1.12))
    dirt = m.CLAY.tinted(dirt_rgb)
    skin = np.concatenate([
        arc(0, 0, 10 * size, quarter * 1.4, 2 * math.pi - quarter * 1.4, 16),
        place(points([(0, 0)]), 24 * size * math.cos(quarter), -(24 * size * math.sin(quarter) + 7 * size)),
        arc(mound_x, 0, reach, -math.pi * 0.42, math.pi * 0.42, 30),
        place(points([(0, 0)]), 24 * size * math.cos(quarter), 24 * size * math.sin(quarter) + 7 * size),
    ])  # fmt: skip
    canvas.paint(put(skin), dirt)
    inset = 3.2 * size
    grass = place(rectangle(base / math.sqrt(2), 0, base - inset, base - inset, quarter), x, y, heading)
    if canvas.rng.random() < 0.75:
        corners = [put(ellipse(px, py, 4.2 * size, corners=20)) for px, py in
                   ((0, 0), (base * math.cos(quarter), base * math.sin(quarter)),
                    (base * math.cos(quarter), -base * math.sin(quarter)), (base * math.sqrt(2), 0))]  # fmt: skip
        mound = put(ellipse(mound_x, 0, 2.9 * size, corners=20))
        canvas.paint(grass, Material((72, 102, 52), 0.05, 0.02, 0.02), holes=[*corners, mound])
    for side in (1, -1):
        foul = points([(0, 0), (100 * size * math.cos(quarter), side * 100 * size * math.sin(quarter))])
        canvas.line(put(foul if outfield else foul * 0.3), 0.12, PAINT, 0.9)
    for px, py in ((0.0, 0.0), (base * math.cos(quarter), base * math.sin(quarter)),
                   (base * math.cos(quarter), -base * math.sin(quarter)), (base * math.sqrt(2), 0.0), (mound_x, 0.0)):  # fmt: skip
        canvas.paint(put(rectangle(px, py, 0.5, 0.5)), PAINT)
    for side in (1, -1):
        dugout = place(rectangle(11 * size, side * 22 * size, 12 * size, 3.0, side * quarter), x, y, heading)
        canvas.shadow(dugout, 2.6)
        canvas.later(2, lambda dugout=dugout: canvas.paint(dugout, (176, 176, 170)))  # type: ignore[misc]
    canvas.instance("baseball field", put(skin), kind="diamond")


def ground_track_field(
    canvas: Canvas, x: float, y: float, heading: float, size: float = 1.0, worn: bool = False
) -> None:
    """A 400 m running track around a playing field; the mask is all of it."""
    straight, radius, lanes = 84.4 * size, 46.3 * size, 9.8 * size
    rng = canvas.rng
    styles: list[tuple[str, Rgb]] = [("red", (154, 84, 66)), ("red", (140, 88, 74)), ("brown", (146, 116, 88)),
                                     ("gray", (84, 86, 90)), ("blue", (72, 98, 132))]  # fmt: skip
    colour, surface = styles[int(rng.choice(5, p=[0.45, 0.25, 0.14, 0.1, 0.06]))]
    outer = oval(x, y, straight, radius, heading)
    inner = oval(x, y, straight, radius - lanes, heading)
    if not canvas.fits(outer):
        return
    canvas.paint(outer, Material(surface, 0.03, 0.02, 0.03))
    for lane in range(9):
        ring = oval(x, y, straight, radius - lanes + lane * 1.22 * size, heading)
        canvas.line(np.concatenate([ring, ring[:1]]), 0.09, PAINT, 0.75)
    grass = m.GRASS if worn else Material((66, 100, 50), 0.04, 0.02, 0.02)
    canvas.paint(inner, grass)
    for side in (1, -1):  # high-jump aprons fill the half circles
        fan = place(sector(side * 46 * size, 0, 26 * size, -1.2 if side == 1 else math.pi - 1.2,
                           1.2 if side == 1 else math.pi + 1.2), x, y, heading)  # fmt: skip
        if rng.random() < 0.6:
            canvas.paint(fan, Material(surface, 0.03, 0.02, 0.03))
    a, b = 50 * size, 32 * size
    pitch = rectangle(x, y, 2 * a, 2 * b, heading)
    if worn:
        canvas.paint(ellipse(x, y, 0.7 * a, 0.35 * b, heading), m.SOIL, 0.45, feather=6.0)
    else:
        canvas.paint(pitch, Material((70, 108, 54), 0.03, 0.02, 0.02, stripes=(10.5 * size, heading, 0.07)))
    paths = [_box(-a, -b, a, b), points([(0, -b), (0, b)]), arc(0, 0, 9.15 * size, 0, 2 * math.pi, 40)]
    for side in (1, -1):
        paths += [_box(side * a, -20 * size, side * (a - 16.5 * size), 20 * size),
                  _box(side * a, -9 * size, side * (a - 5.5 * size), 9 * size)]  # fmt: skip
    _lines(canvas, x, y, heading, paths, 0.14)
    canvas.instance("ground track field", outer, colour=colour)


def stadium(canvas: Canvas, x: float, y: float, heading: float, size: float = 1.0) -> None:
    """A stand of seats all around a running track and pitch; the mask is the whole building."""
    rng = canvas.rng
    straight, inner, depth = 84.4 * size, 50 * size, 30 * size
    height = 22 * size
    ring = oval(x, y, straight, inner + depth, heading, 40)
    hole = oval(x, y, straight, inner, heading, 40)
    if not canvas.fits(ring):
        return
    canvas.shadow(ring, height)
    seat: Rgb = [(70, 92, 140), (150, 62, 56), (150, 150, 150), (176, 140, 60)][int(rng.integers(4))]
    roofed = rng.random() < 0.5

    def draw() -> None:
        canvas.paint(ring, (168, 166, 160), holes=[hole])
        for k in range(10):
            out = oval(x, y, straight, inner + depth * (0.92 - 0.085 * k), heading, 40)
            inn = oval(x, y, straight, inner + depth * (0.92 - 0.085 * k) - 0.055 * depth, heading, 40)
            canvas.paint(
                out, (seat[0] * (1 - 0.02 * k), seat[1] * (1 - 0.02 * k), seat[2] * (1 - 0.02 * k)), 0.9, holes=[inn]
            )
        for k in range(44):
            angle = 2 * math.pi * k / 44
            radius = inner + depth / 2
            cx = math.copysign(straight / 2, math.cos(angle)) if abs(math.cos(angle)) > 0.3 else 0.0
            spot = place(points([(cx + radius * math.cos(angle), radius * math.sin(angle))]), x, y, heading)[0]
            canvas.paint(rectangle(spot[0], spot[1], depth * 0.96, 1.3, heading + angle), (190, 188, 182), 0.8)
        # The side of the bowl away from the sun looks into it.
        for flank in (1, -1):
            light = canvas.facing(heading - flank * math.pi / 2)
            half = place(points([(-straight, 0), (straight, 0), (straight, flank * 2 * inner), (-straight, flank * 2 * inner)]),
                         x, y, heading)  # fmt: skip
            canvas.paint(
                ring, (255, 252, 240) if light > 0 else (26, 28, 36), 0.25 * abs(light), holes=[hole], clip=half
            )
        if roofed:
            for flank in (1, -1):
                roof = place(rectangle(0, flank * (inner + 0.62 * depth), straight * 1.05, depth * 0.72), x, y, heading)
                canvas.paint(shifted(roof, *canvas.shadow_offset(2)), (30, 32, 38), 0.4)
                canvas.paint(roof, Material((206, 207, 206), 0.02, 0.02, 0.0, stripes=(7.0, heading, 0.06)))

    canvas.later(3, draw)
    canvas.instance("stadium", ring)
    ground_track_field(canvas, x, y, heading, size * 0.98)
