"""Ships and boats. Lengths in metres, the bow along the heading."""

from __future__ import annotations

import math

import numpy as np

from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Rgb, brighter
from rs2sam2.data.synthetic.shapes import Points, ellipse, mirrored, place, points, rectangle, sweep

CONTAINERS: tuple[Rgb, ...] = (
    (150, 62, 48),
    (52, 84, 130),
    (196, 196, 192),
    (72, 112, 84),
    (190, 120, 56),
    (96, 100, 106),
    (128, 44, 44),
    (60, 120, 150),
)


def _hull(length: float, width: float, bow: float, stern: float = 0.85) -> Points:
    b = width / 2
    curve = [(length / 2 - bow * t, b * (t**0.55)) for t in np.linspace(0, 1, 9)]
    return mirrored([*curve, (-length / 2 + 0.06 * length, b), (-length / 2, stern * b)])


def ship(
    canvas: Canvas, x: float, y: float, heading: float, length: float, kind: str = "cargo", wake: float = 0.0
) -> None:
    """A ship, bow along its heading. ``kind``: cargo, container, tanker, ferry, boat. ``wake``: speed, 0 to 1."""
    rng = canvas.rng
    beam = {"cargo": 0.16, "container": 0.14, "tanker": 0.165, "ferry": 0.19, "boat": 0.3}[kind] * length
    hull = _hull(length, beam, beam * (1.6 if kind == "boat" else 1.15))
    palette: list[tuple[str, Rgb, Rgb]] = {
        "cargo": [("red", (122, 56, 46), (140, 84, 70)), ("gray", (92, 96, 100), (140, 136, 126)),
                  ("green", (62, 92, 80), (108, 118, 106)), ("blue", (50, 66, 98), (136, 124, 108))],
        "container": [("blue", (44, 60, 92), (110, 100, 92)), ("gray", (70, 72, 76), (110, 104, 98))],
        "tanker": [("red", (128, 60, 48), (134, 74, 60)), ("gray", (98, 102, 104), (146, 138, 128)),
                   ("black", (46, 46, 48), (120, 76, 62))],
        "ferry": [("white", (226, 227, 226), (206, 208, 206))],
        "boat": [("white", (232, 232, 230), (204, 196, 180)), ("white", (222, 224, 226), (178, 178, 176)),
                 ("blue", (52, 74, 116), (210, 208, 202)), ("brown", (134, 98, 66), (160, 128, 92))],
    }[kind]  # type: ignore[assignment]  # fmt: skip
    colour, side_rgb, deck_rgb = palette[int(rng.integers(len(palette)))]

    def put(outline: Points) -> Points:
        return place(outline, x, y, heading)

    if not canvas.fits(put(hull)):
        return
    if wake > 0:
        reach = length * (1.2 + 2.5 * wake)
        for spread, strength in ((0.1, 0.5), (0.22, 0.25)):
            trail = points([(length * 0.3, 0), (-length * 0.5, beam * 0.6), (-length * 0.5 - reach, spread * reach),
                            (-length * 0.5 - reach, -spread * reach), (-length * 0.5, -beam * 0.6)])  # fmt: skip
            canvas.paint(put(trail), (168, 182, 186), strength * wake, feather=0.25 * beam)
        canvas.paint(put(rectangle(-length * 0.5 - reach * 0.4, 0, reach * 0.8, beam * 0.5)), (206, 214, 214),
                     0.5 * wake, feather=0.2 * beam)  # fmt: skip
    freeboard = {"boat": 0.12 * beam, "ferry": 0.5 * beam}.get(kind, 0.28 * beam)
    canvas.shadow(put(hull), freeboard)
    house_length = {"ferry": 0.68, "boat": 0.34}.get(kind, 0.1) * length
    house_x = {"ferry": 0.0, "boat": -0.06 * length}.get(kind, -length * 0.5 + 0.06 * length + house_length * 0.6)
    house = rectangle(house_x, 0, house_length, beam * {"ferry": 0.82, "boat": 0.55}.get(kind, 0.86))
    if kind != "boat":
        canvas.shadow(put(house), freeboard + 0.55 * beam, freeboard)
    n_holds = int(rng.integers(4, 8))
    stacks = rng.integers(0, len(CONTAINERS), (n_holds * 3, 8))
    filled = rng.random((n_holds * 3,)) < 0.92
    bow_light = canvas.facing(heading + math.pi / 2)

    def draw() -> None:
        canvas.paint(put(hull), side_rgb)
        canvas.paint(put(hull * (0.975, 0.86 if kind != "boat" else 0.8)), deck_rgb)
        for flank in (1, -1):
            rail = np.concatenate([hull[:11], (hull[:11] * (0.985, 0.88))[::-1]]) * (1, flank)
            light = bow_light * flank
            canvas.paint(put(rail), (250, 250, 250) if light > 0 else (30, 32, 38), 0.35 * abs(light))
        start, end = house_x + house_length * 0.6, length * 0.5 - beam * 1.0
        if kind in ("cargo", "container"):
            bays = n_holds if kind == "cargo" else n_holds * 2
            pitch = (end - start) / bays
            for bay in range(bays):
                middle = start + (bay + 0.5) * pitch
                if kind == "cargo":
                    hatch = rectangle(middle, 0, pitch * 0.72, beam * 0.62)
                    _block(canvas, put(hatch), heading, brighter(deck_rgb, 1.25), beam * 0.06)
                    canvas.paint(put(rectangle(middle, 0, pitch * 0.72, 0.25)), brighter(deck_rgb, 0.8), 0.6)
                    if bay % 2:
                        crane = rectangle(middle + pitch * 0.5, 0, 2.0, beam * 0.16)
                        _block(canvas, put(crane), heading, (214, 206, 176), beam * 0.3)
                        jib = rectangle(middle + pitch * 0.1, beam * 0.1, pitch * 0.9, 1.0)
                        canvas.paint(put(jib), (222, 214, 184))
                elif filled[bay]:
                    rows = 6 if beam > 20 else 4
                    step = beam * 0.84 / rows
                    for row in range(rows):
                        box = rectangle(middle, -beam * 0.42 + (row + 0.5) * step, pitch * 0.86, step * 0.94)
                        shade = float(0.85 + 0.3 * ((bay * 7 + row * 13) % 10) / 10)
                        canvas.paint(put(box), brighter(CONTAINERS[int(stacks[bay, row])], shade))
        elif kind == "tanker":
            for offset in (-0.05, 0.0, 0.05):
                pipe = rectangle((start + end) / 2, offset * beam, end - start, 0.028 * beam)
                canvas.paint(put(pipe), brighter(deck_rgb, 1.35 if offset else 0.7))
            canvas.paint(put(rectangle((start + end) / 2, 0, 0.05 * beam, 0.8 * beam)), brighter(deck_rgb, 1.3))
            for bay in range(n_holds):
                hatch_x = start + (bay + 0.5) * (end - start) / n_holds
                for flank in (1, -1):
                    spot = put(ellipse(hatch_x, flank * 0.25 * beam, 0.045 * beam, corners=12))
                    canvas.paint(spot, brighter(deck_rgb, 0.65))
            deck = put(ellipse((start + end) / 2 + 0.1 * length, 0, 0.28 * beam, corners=24))
            canvas.paint(deck, (84, 110, 90), 0.5)
        roof: Rgb = (228, 229, 227) if kind != "boat" else brighter(deck_rgb, 1.1)
        if kind == "boat":
            canvas.paint(put(house), roof)
            screen = rectangle(house_x + 0.5 * house_length, 0, 0.14 * house_length, beam * 0.5)
            canvas.paint(put(screen), (54, 62, 72), 0.9)
            canvas.paint(put(rectangle(-0.36 * length, 0, 0.16 * length, 0.5 * beam)), (120, 96, 72), 0.7)
        else:
            _block(canvas, put(house), heading, roof, 0.4 * beam)
            upper = rectangle(house_x + 0.1 * house_length, 0, 0.55 * house_length, 0.55 * beam)
            canvas.paint(put(upper), brighter(roof, 0.88))
            wings = rectangle(house_x + 0.3 * house_length, 0, max(0.03 * length, 1.5), beam * 0.98)
            canvas.paint(put(wings), (236, 236, 234))
            funnel = rectangle(house_x - 0.3 * house_length, 0, 0.16 * house_length + 1, 0.16 * beam)
            _block(canvas, put(funnel), heading, brighter(side_rgb, 0.9), 0.3 * beam)

    canvas.later(2, draw)
    canvas.instance("ship", put(hull), level=2, colour=colour, length_m=round(length, 1), kind=kind)


def _block(canvas: Canvas, outline: Points, heading: float, rgb: Rgb, height: float) -> None:
    """A box on top of something already standing: its own shade, then its top."""
    dx, dy = canvas.shadow_offset(height)
    canvas.paint(sweep(outline, (dx, dy)), (34, 36, 44), 0.36)
    canvas.paint(outline, rgb)
