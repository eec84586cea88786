"""The words of RRSIS-D as the benchmark uses them, measured on its 13,921 train and val phrases.

Position: the box's centre in nine regions cut at .3125 and .6875 of each side (no exception but rounding among 2,949
phrases). Size: the box's area against the largest box of its class in the data set, cut at 2, 10 and 50 % (97.7 %).
Relation: left / right / above / below where the centre lies within the larger box's extent on the other axis, else
upper left, lower right ... (92 %). Comparison: cut at .5, .8, 1.25 and 2 times the area (few phrases have a known target).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rs2sam2.data.language.geometry import gap, share_inside
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.data.language.program import SIZES
from rs2sam2.data.language.rules import Truth, between, coloured
from rs2sam2.data.language.symmetry import VECTORS, Box

CUTS = (0.3125, 0.6875)
SIZE_CUTS = (0.02, 0.10, 0.50)
COMPARISON = {
    "much smaller": (0.0, 0.5), "slightly smaller": (0.5, 0.8), "smaller": (0.0, 0.8), "similar": (0.8, 1.25),
    "bigger": (1.25, math.inf), "slightly bigger": (1.25, 2.0), "much bigger": (2.0, math.inf),
}  # fmt: skip
LARGEST_BOX = {
    "airplane": 31.5, "airport": 65.1, "baseball field": 41.2, "basketball court": 24.2, "bridge": 91.3,
    "chimney": 62.9, "dam": 49.0, "golf field": 75.8, "ground track field": 87.3, "harbor": 66.9, "overpass": 73.5,
    "expressway service area": 72.9, "ship": 60.6, "stadium": 81.8, "storage tank": 26.1, "tennis court": 14.8,
    "expressway toll station": 30.1, "train station": 46.2, "vehicle": 12.8, "windmill": 14.4,
}  # fmt: skip
"""The largest box of each class in RRSIS-D, in per cent of the image."""


@dataclass(frozen=True)
class RrsisdRules:
    """RRSIS-D's rules. Within `margin` of a threshold (a share of the image's side, ten times that in log area) a case
    is borderline; 0 gives the benchmark's own hard cuts."""

    margin: float = 0.0

    def position(self, o: SceneObject, region: str, far: bool, layout: Layout) -> Truth:
        """The centre's cell of the nine; "far" adds nothing."""
        x, y = o.centre
        truth: Truth = True
        for value, wanted in zip((x / layout.width, y / layout.height), VECTORS[region], strict=True):
            cell = -1 if value < CUTS[0] - 1e-9 else 1 if value > CUTS[1] + 1e-9 else 0
            near = min(abs(value - cut) for cut in CUTS) < self.margin
            if cell != wanted and not near:
                return False
            if near:
                truth = None
        return truth

    def size(self, o: SceneObject, word: str, layout: Layout, category: str) -> Truth:
        """The box's area against the largest of its class; None for a class the benchmark does not have.

        `category` adds nothing: the benchmark's classes are no kinds of each other.
        """
        largest = LARGEST_BOX.get(canonical(o.category))
        if largest is None:
            return None
        share = o.box_area / (layout.width * layout.height) / (largest / 100)
        if any(abs(math.log(max(share, 1e-9) / cut)) < 10 * self.margin for cut in SIZE_CUTS):
            return None
        return SIZES[sum(share >= cut for cut in SIZE_CUTS)] == word

    def color(self, o: SceneObject, names: tuple[str, ...]) -> Truth:
        """From the object's colour shares; None where nobody looked at the pixels."""
        if o.colors is None:
            return None
        return coloured(o.colors, names)

    def shape(self, o: SceneObject, word: str) -> Truth:
        """Slender from the enclosing rectangle where known; the benchmark's other shape words follow no known rule."""
        if word != "slender" or o.aspect is None:
            return None
        return between(o.aspect, 2.0, 3.0)

    def relation(self, o: SceneObject, word: str, anchor: SceneObject, layout: Layout) -> Truth:
        """Directions by centres and extents, the rest by the boxes."""
        if word == "inside":
            return between(share_inside(o.box, anchor.box), 0.1, 0.9) if self.margin else _centre_in(o, anchor.box)
        if word == "holding":
            return self.relation(anchor, "inside", o, layout)
        if word == "on":
            return gap(o.box, anchor.box) == 0
        if word == "next to":
            return gap(o.box, anchor.box) <= 0.05 * math.hypot(layout.width, layout.height)
        larger = o if o.box_area >= anchor.box_area else anchor
        smaller = anchor if larger is o else o
        (x, y), (ax, ay) = o.centre, anchor.centre
        sx, sy = smaller.centre
        slack_x, slack_y = self.margin * layout.width, self.margin * layout.height
        dx = _sign(x - ax, sx, larger.box[0], larger.box[2], slack_x)
        dy = _sign(y - ay, sy, larger.box[1], larger.box[3], slack_y)
        wanted_x, wanted_y = VECTORS[word]
        if dx == wanted_x and dy == wanted_y:
            return True
        return None if dx in (None, wanted_x) and dy in (None, wanted_y) else False

    def comparison(self, o: SceneObject, degree: str, anchor: SceneObject) -> Truth:
        """The ratio of the boxes' areas."""
        ratio = o.box_area / max(anchor.box_area, 1e-9)
        low, high = COMPARISON[degree]
        if any(0 < cut < math.inf and abs(math.log(max(ratio, 1e-9) / cut)) < 10 * self.margin for cut in (low, high)):
            return None
        return low <= ratio < high

    def ranks_before(self, a: SceneObject, b: SceneObject, by: str, layout: Layout) -> Truth:
        """RRSIS-D ranks nothing; used to read its words charitably (`resolve`)."""
        difference = degree_of(a, by, layout) - degree_of(b, by, layout)
        return None if abs(difference) <= max(self.margin, 0.01) else difference > 0

    def nearer(self, a: SceneObject, b: SceneObject, anchor: SceneObject, layout: Layout) -> Truth:
        """The smaller gap between boxes."""
        difference = gap(b.box, anchor.box) - gap(a.box, anchor.box)
        return None if abs(difference) <= max(self.margin, 0.01) * layout.width else difference > 0


def degree_of(o: SceneObject, by: str, layout: Layout) -> float:
    """How far an object goes in a direction (in image sides from the middle), or its share of the image."""
    if by in ("large", "small"):
        area = o.box_area / (layout.width * layout.height)
        return area if by == "large" else -area
    x, y = o.centre[0] / layout.width - 0.5, o.centre[1] / layout.height - 0.5
    dx, dy = VECTORS[by]
    return dx * x + dy * y if (dx, dy) != (0, 0) else -math.hypot(x, y)


def _centre_in(o: SceneObject, box: Box) -> bool:
    x, y = o.centre
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _sign(difference: float, centre: float, low: float, high: float, slack: float) -> int | None:
    """0 where the smaller box's centre lies within the larger's extent, else the side; None within the slack."""
    if slack > 0 and min(abs(centre - low), abs(centre - high)) < slack:
        return None
    if low <= centre <= high:
        return 0
    return 1 if difference > 0 else -1
