"""Cars, vans, trucks and buses."""

from __future__ import annotations

from rs2sam2.data.synthetic.canvas import Canvas
from rs2sam2.data.synthetic.materials import Rgb, brighter
from rs2sam2.data.synthetic.shapes import Points, mirrored, place, rectangle, sweep

CAR_COLOURS: tuple[tuple[str, Rgb], ...] = (
    ("white", (222, 222, 220)),
    ("white", (232, 231, 226)),
    ("gray", (150, 152, 155)),
    ("gray", (112, 114, 118)),
    ("black", (38, 39, 43)),
    ("black", (52, 52, 54)),
    ("red", (158, 42, 38)),
    ("blue", (44, 70, 122)),
    ("green", (58, 84, 66)),
    ("yellow", (206, 170, 60)),
)
CAR_SHARES = (0.16, 0.13, 0.15, 0.13, 0.11, 0.11, 0.08, 0.08, 0.03, 0.02)


def vehicle(canvas: Canvas, x: float, y: float, heading: float, kind: str = "car", level: float | None = None) -> None:
    """A car, van, truck or bus. On the ground unless ``level`` puts it on a bridge."""
    rng = canvas.rng
    length, width, height = {
        "car": (float(rng.uniform(4.0, 4.9)), 1.85, 1.4),
        "van": (5.6, 2.1, 2.1),
        "truck": (float(rng.uniform(9, 15)), 2.6, 3.4),
        "bus": (12.0, 2.6, 3.1),
    }[kind]
    colour, body = CAR_COLOURS[int(rng.choice(len(CAR_COLOURS), p=CAR_SHARES))]
    if kind in ("van", "bus") and rng.random() < 0.6:
        colour, body = "white", (228, 228, 224)
    detailed = canvas.gsd < 0.45

    def put(outline: Points) -> Points:
        return place(outline, x, y, heading)

    corner = 0.22 * width
    a, b = length / 2, width / 2
    outline = put(mirrored([(a, 0.6 * b), (a - corner, b), (-a + 0.5 * corner, b), (-a, 0.75 * b)]))
    if not canvas.fits(outline):
        return
    offset = canvas.shadow_offset(height * 0.75)

    def draw() -> None:
        canvas.paint(sweep(put(rectangle(0, 0, length, width)), offset), (28, 29, 34), 0.55)
        canvas.paint(outline, body)
        if kind in ("car", "van"):
            glass: Rgb = (44, 50, 58)
            cabin = mirrored([(0.2 * length, 0.66 * b), (0.13 * length, 0.86 * b), (-0.36 * length, 0.84 * b),
                               (-0.42 * length, 0.6 * b)])  # fmt: skip
            canvas.paint(put(cabin), glass, 0.85)
            canvas.paint(put(rectangle(-0.12 * length, 0, 0.36 * length, 1.42 * b)), brighter(body, 1.06))
            if detailed:
                canvas.paint(put(rectangle(0.34 * length, 0, 0.2 * length, 1.5 * b)), brighter(body, 1.12), 0.5)
        elif kind == "truck":
            canvas.paint(put(rectangle(0.5 * length - 1.2, 0, 2.2, width)), brighter(body, 0.9))
            canvas.paint(put(rectangle(0.5 * length - 2.6, 0, 0.7, width)), (36, 37, 40), 0.8)
            box: Rgb = (214, 212, 206) if rng.random() < 0.6 else body
            canvas.paint(put(rectangle(-1.5, 0, length - 3.2, width)), box)
        else:
            canvas.paint(put(rectangle(0.47 * length, 0, 0.05 * length, 0.8 * width)), (40, 44, 50), 0.8)
            for spot in (-0.25, 0.2):
                canvas.paint(put(rectangle(spot * length, 0, 1.2, 1.0)), brighter(body, 0.75), 0.8)

    if level is None:
        draw()
    else:
        canvas.later(level, draw)
    canvas.instance("vehicle", outline, level=level or 0.0, colour=colour, length_m=round(length, 1), kind=kind)
