"""Layouts made up to be counted in: several of a class, in rows, in blocks or strewn about, large and small."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from rs2sam2.data.language.layout import Layout, SceneObject

SIDE = 800
APART = 0.1
"""Of the smaller box, that another may cover at most."""


def imagine(nouns: Sequence[str], random: Random) -> Layout:
    """A layout of SIDE x SIDE with one to three of these classes, the first of them up to nine times."""
    objects: list[SceneObject] = []
    for n, noun in enumerate(random.sample(nouns, min(len(nouns), random.choice((1, 1, 2, 2, 3))))):
        count = random.randint(2, 9) if n == 0 else random.randint(1, 4)
        # a class has its size and its shape, from which one object strays little and another much
        size = math.exp(random.uniform(math.log(0.025), math.log(0.3 if count < 5 else 0.15))) * SIDE
        stray, aspect = random.choice((0.08, 0.3, 0.6)), math.exp(random.uniform(-0.8, 0.8))
        for x, y in _places(count, size, random):
            w, h = size * math.sqrt(aspect), size / math.sqrt(aspect)
            if random.random() < 0.3:
                w, h = h, w
            grown = math.exp(random.gauss(0, stray))
            x0, y0 = max(0.0, x - w * grown / 2), max(0.0, y - h * grown / 2)
            x1, y1 = min(float(SIDE), x + w * grown / 2), min(float(SIDE), y + h * grown / 2)
            if min(x1 - x0, y1 - y0) >= 6 and all(_apart((x0, y0, x1, y1), o.box) for o in objects):
                objects.append(SceneObject(noun, (x0, y0, x1, y1), (x1 - x0) * (y1 - y0) * random.uniform(0.6, 1)))
    return Layout(SIDE, SIDE, tuple(objects))


def _places(count: int, size: float, random: Random) -> list[tuple[float, float]]:
    """Centres: along a line, in a block of rows, or anywhere."""
    kind = random.choice(("line", "block", "strewn", "strewn"))
    if kind == "strewn":
        return [(random.uniform(0, SIDE), random.uniform(0, SIDE)) for _ in range(count)]
    columns = count if kind == "line" else random.randint(2, max(2, count // 2))
    gap, turn = size * random.uniform(1.2, 2.5), random.choice((0.0, math.pi / 2, random.uniform(0, math.pi)))
    left, top = random.uniform(0.1, 0.9) * SIDE, random.uniform(0.1, 0.9) * SIDE
    places = []
    for i in range(count):
        row, column = divmod(i, columns)
        a = (column - (columns - 1) / 2) * gap + random.gauss(0, 0.1) * size
        b = row * gap + random.gauss(0, 0.1) * size
        x, y = left + a * math.cos(turn) - b * math.sin(turn), top + a * math.sin(turn) + b * math.cos(turn)
        if 0 <= x <= SIDE and 0 <= y <= SIDE:
            places.append((x, y))
    return places


def _apart(box: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    w = min(box[2], other[2]) - max(box[0], other[0])
    h = min(box[3], other[3]) - max(box[1], other[1])
    smaller = min((b[2] - b[0]) * (b[3] - b[1]) for b in (box, other))
    return w <= 0 or h <= 0 or w * h <= APART * smaller
