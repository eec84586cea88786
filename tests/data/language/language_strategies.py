"""Hypothesis strategies: random layouts and random programs."""

from __future__ import annotations

from hypothesis import strategies as st

from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.program import (
    COLORS,
    Color,
    Comparison,
    Constraint,
    Extreme,
    Position,
    Program,
    Quantity,
    Relation,
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


def programs(rules: str = "english") -> st.SearchStrategy[Program]:
    """Programs that have a wording under `rules`."""
    places = st.builds(Position, st.sampled_from(sorted(VECTORS)))
    colors = st.builds(lambda c: Color((c,)), st.sampled_from(COLORS))
    if rules == "rrsisd":
        sizes = st.builds(Size, st.sampled_from(["tiny", "small", "large", "huge"]))
        degrees = ["much smaller", "slightly smaller", "similar", "slightly bigger", "much bigger"]
        words = [*(d for d in VECTORS if d != "middle"), "inside"]
    else:
        far = st.builds(Position, st.sampled_from(["left", "right", "top", "bottom"]), st.just(True))
        places, sizes = st.one_of(places, far), st.builds(Size, st.sampled_from(["small", "large"]))
        degrees = ["much smaller", "slightly smaller", "smaller", "similar", "bigger", "slightly bigger", "much bigger"]
        words = [*(d for d in VECTORS if d != "middle"), "inside", "on", "holding", "next to", "closest to"]
    shapes = st.builds(Shape, st.sampled_from(["slender", "oval", "rectangular"]))
    things = st.sampled_from(CLASSES[:-1])
    anchors = st.builds(
        lambda c, w: Selection(c, "one", w), things, st.one_of(st.just(()), st.tuples(sizes), st.tuples(places))
    )
    relations = st.builds(Relation, st.sampled_from(words), anchors) | st.builds(
        Comparison, st.sampled_from(degrees), anchors
    )
    modifiers = st.tuples(*(st.lists(part, max_size=1) for part in ((colors, sizes, shapes)))).map(
        lambda parts: tuple(c for part in parts for c in part)
    )
    tails = st.one_of(st.just(()), st.tuples(places), st.tuples(relations))
    quantity = st.just("one")
    if rules == "english":
        extremes = ["left", "right", "top", "bottom", "large", "small", "upper left", "lower right"]
        orders = st.builds(Extreme, st.sampled_from(extremes), st.integers(1, 5))
        tails = st.one_of(tails, st.tuples(orders), st.tuples(st.builds(Extreme, st.just("middle"))))
        quantity = st.sampled_from(["one", "all", 2, 3, 4])
    selection = st.builds(lambda c, q, m, t: Selection(c, _ranked(q, t), (*m, *t)), things, quantity, modifiers, tails)
    return selection.map(lambda s: Program(s, rules))  # type: ignore[arg-type]


def _ranked(quantity: Quantity, tail: tuple[Constraint, ...]) -> Quantity:
    """The quantity where words can say it: a plural that is ranked needs a number, and no rank but the first."""
    first = all(not isinstance(c, Extreme) or c.rank == 1 for c in tail)
    return quantity if not any(map(is_ranking, tail)) or (first and quantity != "all") else "one"
