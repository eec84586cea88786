"""Hypothesis strategies: random layouts and random programs."""

from __future__ import annotations

from hypothesis import strategies as st

from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.program import (
    COLORS,
    CONTACTS,
    DEGREES,
    EXTREMES,
    RELATIONS,
    SHAPES,
    SIZES,
    Color,
    Comparison,
    Constraint,
    Extreme,
    Position,
    Program,
    Quantity,
    Relation,
    RuleName,
    Selection,
    Shape,
    Size,
    is_ranking,
)
from rs2sam2.data.language.symmetry import VECTORS

CLASSES = ("ship", "harbor", "airplane", "storage tank", "bridge", "building", "vegetation")


@st.composite
def layouts(draw: st.DrawFn, most: int = 8) -> Layout:
    """Layouts of up to `most` objects in an image of about 400 x 300."""
    width, height = draw(st.sampled_from([(400, 300), (300, 400), (256, 256)]))
    objects = []
    for _ in range(draw(st.integers(0, most))):
        w, h = draw(st.integers(4, width - 1)), draw(st.integers(4, height - 1))
        x, y = draw(st.integers(0, width - w)), draw(st.integers(0, height - h))
        fill = draw(st.sampled_from([0.5, 0.785, 0.95]))
        colors = {draw(st.sampled_from(COLORS)): draw(st.sampled_from([0.1, 0.4, 0.9]))}
        objects.append(
            SceneObject(
                draw(st.sampled_from(CLASSES)), (x, y, x + w, y + h), w * h * fill, colors, max(w, h) / min(w, h), fill
            )
        )
    return Layout(width, height, tuple(objects))


def programs(rules: RuleName = "english", long: bool = False) -> st.SearchStrategy[Program]:
    """Programs that have a wording under `rules`, what the parser makes of phrases.

    `long`: with all there may be at once, and anchors of anchors; else in phrases of a usual length.
    """
    return selections(rules, 2 if long else 1, long).map(lambda s: Program(s, rules))


@st.composite
def selections(draw: st.DrawFn, rules: RuleName, depth: int, long: bool, link: str = "") -> Selection:
    """Selections with anchors up to a depth. `link`: how what this is the anchor of is tied to it."""
    english = rules == "english"
    category = draw(st.sampled_from(CLASSES if english else CLASSES[:-1]))
    tail = draw(st.sampled_from(["", "relation", "comparison", "order"][: 4 if english else 3])) if depth else ""
    where: list[Constraint] = draw(looks(long))
    # "on the left bridge" is turned, and "similar in size to the left bridge" said plainly, as if about the left
    if long or (not tail and link not in ("on", "similar")):
        where += draw(st.lists(places(), max_size=1))
    if not long and link:
        where = where[-1:]
    if tail == "relation":
        word = draw(st.sampled_from(RELATIONS))
        where.append(Relation(word, draw(selections(rules, depth - 1, long, word))))
    elif tail == "comparison":
        degrees = DEGREES if english else [d for d in DEGREES if d not in ("smaller", "bigger")]
        degree = draw(st.sampled_from(degrees))
        where.append(Comparison(degree, draw(selections(rules, depth - 1, long, degree))))
    elif tail == "order":
        by = draw(st.sampled_from(EXTREMES))
        most = 99 if long and by in VECTORS else 10
        where.append(Extreme(by, draw(st.integers(1, 3) | st.integers(1, most))))
    some: list[Quantity] = ["some"] if link in CONTACTS else []
    if not english:
        return Selection(category, "one", tuple(where))
    if category == "vegetation":
        return Selection(category, draw(st.sampled_from(["all", *some])), tuple(where))
    quantity = draw(st.sampled_from(["one", "all", 2, 3, 4, 13, *some]))
    return Selection(category, _ranked(quantity, where), tuple(where))


def places() -> st.SearchStrategy[Position]:
    """Places in the image."""
    return st.builds(Position, st.sampled_from(sorted(VECTORS)), st.sampled_from([False, False, True]))


@st.composite
def looks(draw: st.DrawFn, long: bool) -> list[Constraint]:
    """At most each of a colour, a size and a shape; two colours and the frustum of a cone only in long phrases."""
    colors = st.lists(st.sampled_from(COLORS), min_size=1, max_size=2 if long else 1, unique=True)
    shapes = st.sampled_from(SHAPES if long else SHAPES[:-1])
    parts = (colors.map(tuple).map(Color), st.builds(Size, st.sampled_from(SIZES)), shapes.map(Shape))
    return [c for part in parts for c in draw(st.lists(part, max_size=1))]


def _ranked(quantity: Quantity, where: list[Constraint]) -> Quantity:
    """The quantity where words can say it: a plural that is ranked needs a number, and no rank but the first."""
    first = all(not isinstance(c, Extreme) or c.rank == 1 for c in where)
    return quantity if not any(map(is_ranking, where)) or (first and isinstance(quantity, int)) else "one"
