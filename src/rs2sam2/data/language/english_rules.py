"""Words as people use them, each with a margin: what a person would call sure is True, what they would argue about is None.

"On the left" is the left third or so whatever the height; size words compare with the others in the same image
that the noun means; an object that reaches across the image is on no side for certain. All numbers are choices, not measurements.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rs2sam2.data.language.geometry import gap, share_inside
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.rrsisd_rules import degree_of
from rs2sam2.data.language.rules import Truth, between, both, coloured
from rs2sam2.data.language.symmetry import VECTORS, Box

COMPARISON = {
    # degree: surely from .. to, possibly from .. to (ratio of areas)
    "much smaller": (0.0, 0.33, 0.0, 0.6),
    "slightly smaller": (0.6, 0.8, 0.4, 1.0),
    "smaller": (0.0, 0.65, 0.0, 0.95),
    "similar": (0.85, 1.18, 0.6, 1.67),
    "bigger": (1.55, math.inf, 1.05, math.inf),
    "slightly bigger": (1.25, 1.67, 1.0, 2.5),
    "much bigger": (3.0, math.inf, 1.67, math.inf),
}


@dataclass(frozen=True)
class EnglishRules:
    """Everyday reading of the words, see the module."""

    def position(self, o: SceneObject, region: str, far: bool, layout: Layout) -> Truth:
        """Left, right, top, bottom: that third (far: that fifth); corners: two of them; middle: the central third."""
        spans = (
            (o.box[0] / layout.width, o.box[2] / layout.width),
            (o.box[1] / layout.height, o.box[3] / layout.height),
        )
        if region == "middle":
            return both(_central(*spans[0]), _central(*spans[1]))
        truth: Truth = True
        for (low, high), side in zip(spans, VECTORS[region], strict=True):
            if side:
                truth = both(truth, _low_side(low, high, far) if side < 0 else _low_side(1 - high, 1 - low, far))
        return truth

    def size(self, o: SceneObject, word: str, layout: Layout, category: str) -> Truth:
        """Against all that `category` means, which must differ 2.5-fold in area for any to be large or small."""
        among = [layout.objects[i] for i in layout.candidates(category)]
        truths = [_size(o.area, word, [other.area for other in among])]
        if len({other.boxed for other in among}) > 1:
            truths.append(_size(o.box_area, word, [other.box_area for other in among]))
        return _agreed(truths)

    def color(self, o: SceneObject, names: tuple[str, ...]) -> Truth:
        """As in `coloured`; two colours need a quarter each."""
        if o.colors is None:
            return None
        shares = [o.colors.get(name, 0.0) for name in names]
        if len(names) > 1 and min(shares) < 0.25:
            return False if min(shares) < 0.05 else None
        return coloured(o.colors, names)

    def shape(self, o: SceneObject, word: str) -> Truth:
        """From the smallest enclosing rectangle: its aspect and how much of it the mask fills (an ellipse: .785)."""
        if o.aspect is None or o.fill is None:
            return None
        boxy, curved = between(o.fill, 0.75, 0.9), between(-abs(o.fill - 0.785), -0.15, -0.07)
        match word:
            case "slender":
                return between(o.aspect, 2.0, 3.0)
            case "round":
                return both(curved, between(-o.aspect, -1.5, -1.2))
            case "oval":
                return both(curved, both(between(o.aspect, 1.1, 1.3), between(-o.aspect, -3.0, -2.5)))
            case "rectangular":
                return both(boxy, between(o.aspect, 1.1, 1.25))
            case "square":
                return both(boxy, between(-o.aspect, -1.4, -1.15))
        return None

    def relation(self, o: SceneObject, word: str, anchor: SceneObject, layout: Layout) -> Truth:
        """Directions by angle and extent, contact and containment by the boxes."""
        if word in VECTORS:
            return _direction(o.box, anchor.box, VECTORS[word])
        if word in ("inside", "on"):
            return _inside(o, anchor)
        if word == "holding":
            return _inside(anchor, o)
        diagonal = math.hypot(layout.width, layout.height)
        distance = gap(o.box, anchor.box)
        if distance >= 0.2 * diagonal:
            return False
        near = distance <= min(0.08 * diagonal, 0.6 * math.sqrt(max(o.box_area, anchor.box_area)))
        apart = max(share_inside(o.box, anchor.box), share_inside(anchor.box, o.box)) < 0.2
        return True if near and apart else None

    def comparison(self, o: SceneObject, degree: str, anchor: SceneObject) -> Truth:
        """The ratio of the areas."""
        return _agreed(_compared(ratio, degree) for ratio in _ratios(o, anchor))

    def ranks_before(self, a: SceneObject, b: SceneObject, by: str, layout: Layout) -> Truth:
        """Places must differ by 4 % of the side and a fifth of the objects' extent, areas by a factor of 1.3."""
        if by in ("large", "small"):
            return _agreed(_larger(ratio if by == "large" else 1 / max(ratio, 1e-9)) for ratio in _ratios(a, b))
        difference = degree_of(a, by, layout) - degree_of(b, by, layout)
        extent = min(_extent(a, by, layout), _extent(b, by, layout))
        if abs(difference) < max(0.04, 0.2 * extent):
            return None
        if by != "middle" and (_reach(a.box, by) - _reach(b.box, by) > 0) != (difference > 0):
            return None  # the one's centre is further out, the other's edge
        return difference > 0

    def nearer(self, a: SceneObject, b: SceneObject, anchor: SceneObject, layout: Layout) -> Truth:
        """Gaps must differ by half and by 4 % of the image's diagonal."""
        near, far = sorted((gap(a.box, anchor.box), gap(b.box, anchor.box)))
        if far < 1.5 * near or far - near < 0.04 * math.hypot(layout.width, layout.height):
            return None
        return gap(a.box, anchor.box) == near


def _ratios(a: SceneObject, b: SceneObject) -> list[float]:
    """How many times as large `a` is: by area, and by the boxes as well where only one of the two has a mask."""
    areas = [(a.area, b.area)] + ([(a.box_area, b.box_area)] if a.boxed != b.boxed else [])
    return [first / max(second, 1e-9) for first, second in areas]


def _agreed(truths: Iterable[Truth]) -> Truth:
    """What all measures say alike; borderline where they do not."""
    found = set(truths)
    return found.pop() if len(found) == 1 else None


def _size(area: float, word: str, areas: Sequence[float]) -> Truth:
    """Whether an area is small or large among areas."""
    least, most = max(min(areas), 1e-9), max(areas)
    if most / least < 2.5:
        return None
    ratio = area / math.sqrt(least * most)
    if word in ("small", "tiny"):
        ratio = 1 / max(ratio, 1e-9)
    return between(ratio, 1 / 1.35, 1.35)


def _compared(ratio: float, degree: str) -> Truth:
    sure_low, sure_high, low, high = COMPARISON[degree]
    if sure_low <= ratio <= sure_high:
        return True
    return None if low < ratio < high else False


def _larger(ratio: float) -> Truth:
    return True if ratio >= 1.3 else False if ratio <= 1 / 1.3 else None


def _low_side(low: float, high: float, far: bool) -> Truth:
    """Whether a span (shares of the side) lies on the low side."""
    centre = (low + high) / 2
    sure, never = (0.18, 0.27) if far else (0.36, 0.46)
    if centre <= sure and high - low <= 0.6:
        return True
    # what stretches into the side is not denied it
    return False if centre >= never and low >= (0.12 if far else 0.25) else None


def _central(low: float, high: float) -> Truth:
    centre = (low + high) / 2
    if 0.38 <= centre <= 0.62:
        return True
    return False if not 0.3 <= centre <= 0.7 and not low <= 0.5 <= high else None


def _extent(o: SceneObject, by: str, layout: Layout) -> float:
    """The object's length along an order, in image sides."""
    dx, dy = VECTORS[by]
    width, height = (o.box[2] - o.box[0]) / layout.width, (o.box[3] - o.box[1]) / layout.height
    return max(width, height) if (dx, dy) == (0, 0) else abs(dx) * width + abs(dy) * height


def _reach(box: Box, by: str) -> float:
    """How far a box's outermost corner goes in a direction, in pixels."""
    dx, dy = VECTORS[by]
    return max(dx * x + dy * y for x in (box[0], box[2]) for y in (box[1], box[3]))


def _inside(o: SceneObject, anchor: SceneObject) -> Truth:
    share = share_inside(o.box, anchor.box)
    if share <= 0.02:
        return False
    # a slanting bridge leaves much of its box empty: being in the box is not being on the bridge
    filled = anchor.area >= 0.75 * anchor.box_area
    return True if share >= 0.9 and filled and o.box_area < 0.6 * anchor.box_area else None


def _direction(o: Box, a: Box, vector: tuple[int, int]) -> Truth:
    """Whether box `o` lies in a direction from box `a`."""
    # turn the picture so that the wanted displacement is positive on both axes
    spans = []
    for axis, sign in enumerate(vector):
        first, second = (o[axis], o[axis + 2]), (a[axis], a[axis + 2])
        if sign < 0:
            first, second = (-first[1], -first[0]), (-second[1], -second[0])
        spans.append((first, second))
    moved = [(f[0] + f[1] - s[0] - s[1]) / 2 for f, s in spans]
    clear = [f[0] >= s[1] - 0.2 * min(f[1] - f[0], s[1] - s[0]) for f, s in spans]
    if 0 not in vector:
        angle = math.degrees(math.atan2(moved[1], moved[0]))
        if min(moved) <= 0:
            return False
        return True if all(clear) and 28 <= angle <= 62 else None
    main = 0 if vector[0] else 1
    (f, s), off = spans[1 - main], abs(moved[1 - main])
    if moved[main] <= 0:
        return False
    angle = math.degrees(math.atan2(off, moved[main]))
    beside = s[0] <= (f[0] + f[1]) / 2 <= s[1] or f[0] <= (s[0] + s[1]) / 2 <= f[1]
    if clear[main] and (angle <= 22 or (beside and angle <= 50)):
        return True
    return False if angle >= 55 and not beside and (f[0] >= s[1] or f[1] <= s[0]) else None
