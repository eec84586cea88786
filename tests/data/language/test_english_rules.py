"""What each word means in everyday English, on both sides of each margin, as docs/data-builder.md has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from rs2sam2.data.language.english_rules import EnglishRules
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.rules import Truth
from rs2sam2.data.language.symmetry import VECTORS

RULES = EnglishRules()
FRAME = Layout(1000, 1000)  # its diagonal is 1414


def thing(x: float, y: float = 500, w: float = 20, h: float = 20, **facts: object) -> SceneObject:
    """A thing of w x h px about (x, y) in an image of 1000 x 1000."""
    return SceneObject("ship", (x - w / 2, y - h / 2, x + w / 2, y + h / 2), **({"area": w * h} | facts))  # type: ignore[arg-type]


def place(region: str, o: SceneObject, far: bool = False) -> Truth:
    return RULES.position(o, region, far, FRAME)


def size(word: str, area: float, *others: float) -> Truth:
    objects = tuple(thing(500, area=a) for a in (area, *others))
    return RULES.size(objects[0], word, Layout(1000, 1000, objects), "ship")


def shape(word: str, aspect: float, fill: float) -> Truth:
    return RULES.shape(thing(500, aspect=aspect, fill=fill), word)


def color(*names: str, **shares: float) -> Truth:
    return RULES.color(thing(500, colors=shares), names)


def tie(word: str, o: SceneObject, anchor: SceneObject | None = None) -> Truth:
    return RULES.relation(o, word, anchor or thing(500), FRAME)


def before(by: str, a: SceneObject, b: SceneObject) -> Truth:
    return RULES.ranks_before(a, b, by, FRAME)


def times(degree: str) -> Callable[[float], Truth]:
    return lambda ratio: RULES.comparison(thing(500, area=ratio), degree, thing(500, area=1.0))


def nearer(a: float, b: float) -> Truth:
    """Gaps of two things to an anchor between them."""
    return RULES.nearer(thing(480 - a), thing(520 + b), thing(500), FRAME)


TALL, WIDE = thing(500, h=600), thing(500, w=300, h=300)
HARBOR = thing(500, w=100, h=100)

# word, what the value says of it, where it holds, is borderline, and does not
TABLE: list[tuple[str, Callable[[float], Truth], Sequence[float], Sequence[float], Sequence[float]]] = [
    ("left", lambda x: place("left", thing(x)), [20, 359], [361, 459], [461, 980]),
    ("left, whatever the height", lambda y: place("left", thing(300, y)), [20, 500, 980], [], []),
    ("right", lambda x: place("right", thing(x)), [641, 980], [541, 639], [20, 539]),
    ("top", lambda y: place("top", thing(500, y)), [20, 359], [361, 459], [461, 980]),
    ("bottom", lambda y: place("bottom", thing(500, y)), [641, 980], [541, 639], [20, 539]),
    ("left, too wide", lambda w: place("left", thing(320, w=w)), [599], [601], []),
    ("left, reaching in", lambda low: place("left", thing(470, w=2 * (470 - low))), [], [249], [251]),
    ("far left", lambda x: place("left", thing(x), far=True), [179], [181, 269], [271]),
    ("far right", lambda x: place("right", thing(x), far=True), [821], [731, 819], [729]),
    ("far left, reaching in", lambda low: place("left", thing(280, w=2 * (280 - low)), far=True), [], [119], [121]),
    ("upper left", lambda y: place("upper left", thing(300, y)), [359], [361, 459], [461]),
    ("upper left of the left", lambda x: place("upper left", thing(x, 300)), [359], [361, 459], [461]),
    ("lower right", lambda y: place("lower right", thing(700, y)), [641], [541, 639], [539]),
    ("middle", lambda x: place("middle", thing(x)), [381, 619], [301, 379, 621, 699], [299, 701]),
    ("middle in height", lambda y: place("middle", thing(500, y)), [381, 619], [301, 379, 621, 699], [299, 701]),
    ("middle, covering it", lambda high: place("middle", thing(290, w=2 * (high - 290))), [], [501], [499]),
    ("large", lambda area: size("large", area, 100, 10_000), [1360, 10_000], [750, 1340], [100, 730]),
    ("huge", lambda area: size("huge", area, 100, 10_000), [1360], [750, 1340], [730]),
    ("small", lambda area: size("small", area, 100, 10_000), [100, 730], [750, 1340], [1360, 10_000]),
    ("tiny", lambda area: size("tiny", area, 100, 10_000), [730], [750, 1340], [1360]),
    ("large, of two that differ by", lambda factor: size("large", 100 * factor, 100), [2.51], [1, 2.49], []),
    ("white", lambda share: color("white", white=share, red=1 - share), [1, 0.61], [0.59, 0.16], [0.14, 0]),
    ("white, the rest unsure", lambda other: color("white", white=0.1, red=other), [], [0, 0.49], [0.51]),
    ("red and white", lambda red: color("red", "white", red=red, white=0.5), [0.26], [0.24, 0.051], [0.049]),
    ("red and white, no white", lambda red: color("red", "white", red=red), [], [], [0.9]),
    ("red and white in all", lambda white: color("red", "white", red=0.3, white=white), [0.31], [0.29], []),
    ("slender", lambda aspect: shape("slender", aspect, 0.5), [3.1], [2.9, 2.1], [1.9]),
    ("round, aspect", lambda aspect: shape("round", aspect, 0.785), [1, 1.19], [1.21, 1.49], [1.51]),
    ("round, fill", lambda fill: shape("round", 1, fill), [0.72, 0.85], [0.64, 0.71, 0.86, 0.93], [0.63, 0.94]),
    ("oval, aspect", lambda aspect: shape("oval", aspect, 0.785), [1.31, 2.49], [1.11, 1.29, 2.51, 2.99], [1.09, 3.01]),
    ("oval, fill", lambda fill: shape("oval", 2, fill), [0.72, 0.85], [0.64, 0.71, 0.86, 0.93], [0.63, 0.94]),
    ("rectangular, aspect", lambda aspect: shape("rectangular", aspect, 0.95), [1.26, 5], [1.11, 1.24], [1.09]),
    ("rectangular, fill", lambda fill: shape("rectangular", 2, fill), [0.91], [0.76, 0.89], [0.74]),
    ("square, aspect", lambda aspect: shape("square", aspect, 0.95), [1, 1.14], [1.16, 1.39], [1.41]),
    ("square, fill", lambda fill: shape("square", 1, fill), [0.91], [0.76, 0.89], [0.74]),
    ("frustum", lambda aspect: shape("cone frustum", aspect, 0.785), [], [1, 2], []),
    # 200 px to the left: 22 degrees are 80.8 px, 50 are 238, 55 are 286
    ("to the left of", lambda y: tie("left", thing(300, 500 + y)), [-80, 0, 80], [-285, -82, 82, 285], [-287, 287]),
    ("to the left of, beside", lambda y: tie("left", thing(300, 500 + y), TALL), [-237, 237], [239, 290], []),
    ("to the left of at all", lambda x: tie("left", thing(x)), [480], [499], [500, 501]),
    ("to the left of, apart", lambda x: tie("left", thing(x, w=100), HARBOR), [419], [421], []),
    ("to the left of, a small one apart", lambda x: tie("left", thing(x), HARBOR), [443], [445], []),
    ("to the left of, steep", lambda y: tie("left", thing(480, y, 100, 100), HARBOR), [], [599], [601]),
    ("to the upper left of", lambda y: tie("upper left", thing(300, 500 - y)), [107, 375], [105, 377, 1], [0, -1]),
    ("to the upper left of, apart", lambda x: tie("upper left", thing(x, 400, 100, 100), HARBOR), [419], [421], []),
    # the share of a thing of 20 px that lies in a harbor of 100 px
    ("inside", lambda share: tie("inside", thing(440 + 20 * share), HARBOR), [1, 0.91], [0.89, 0.021], [0.019, 0]),
    ("on", lambda share: tie("on", thing(440 + 20 * share), HARBOR), [0.91], [0.89, 0.03], [0.01]),
    ("holding", lambda share: tie("holding", HARBOR, thing(440 + 20 * share)), [0.91], [0.89, 0.03], [0.01]),
    ("inside what fills its box", lambda a: tie("inside", thing(500), thing(500, w=100, h=100, area=a)), [7600], [7400], []),
    ("inside, as large", lambda side: tie("inside", thing(500, w=side, h=side), HARBOR), [77], [78], []),
    ("next to", lambda gap: tie("next to", thing(340 - gap), WIDE), [0, 113], [114, 282], [283]),
    ("next to a small one", lambda gap: tie("next to", thing(440 - gap), HARBOR), [0, 59], [61, 282], [283]),
    ("next to, overlapping", lambda share: tie("next to", thing(440 + 20 * share), HARBOR), [0.19], [0.21, 1], []),
    ("much smaller than", times("much smaller"), [0.01, 0.32], [0.34, 0.59], [0.61, 2]),
    ("slightly smaller than", times("slightly smaller"), [0.61, 0.79], [0.41, 0.59, 0.81, 0.99], [0.39, 1.01]),
    ("smaller than", times("smaller"), [0.01, 0.64], [0.66, 0.94], [0.96]),
    ("similar in size to", times("similar"), [0.86, 1.17], [0.61, 0.84, 1.19, 1.66], [0.59, 1.68]),
    ("bigger than", times("bigger"), [1.56, 9], [1.06, 1.54], [1.04]),
    ("slightly bigger than", times("slightly bigger"), [1.26, 1.66], [1.01, 1.24, 1.68, 2.49], [0.99, 2.51]),
    ("much bigger than", times("much bigger"), [3.1, 9], [1.68, 2.9], [1.66]),
    ("leftmost", lambda ahead: before("left", thing(500 - ahead), thing(500)), [41], [-39, 0, 39], [-41]),
    ("topmost", lambda ahead: before("top", thing(500, 500 - ahead), thing(500)), [41], [-39, 39], [-41]),
    ("rightmost", lambda ahead: before("right", thing(500 + ahead), thing(500)), [41], [-39, 39], [-41]),
    ("bottommost", lambda ahead: before("bottom", thing(500, 500 + ahead), thing(500)), [41], [-39, 39], [-41]),
    ("topmost of tall ones", lambda ahead: before("top", thing(500, 500 - ahead, h=300), WIDE), [61], [-59, 59], [-61]),
    ("leftmost of wide ones", lambda ahead: before("left", thing(500 - ahead, w=300), WIDE), [61], [-59, 59], [-61]),
    ("leftmost, a wide one", lambda ahead: before("left", thing(500 - ahead, w=300), thing(500)), [41], [39], []),
    ("leftmost, edge", lambda ahead: before("left", thing(500 - ahead), thing(500, w=300)), [141], [41, 139], []),
    ("most central", lambda off: before("middle", thing(500 + off), thing(600)), [-59, 0, 59], [61, 139], [-141, 141]),
    ("most central of wide ones", lambda off: before("middle", thing(500 + off, w=300), thing(600, w=300)), [39], [41], []),
    ("closest to a corner", lambda off: before("upper left", thing(500 - off, 500 - off), thing(500)), [21], [19], [-21]),
    ("largest", lambda factor: before("large", thing(500, area=factor), thing(500, area=1.0)), [1.31], [0.78, 1.29], [0.76]),
    ("smallest", lambda factor: before("small", thing(500, area=factor), thing(500, area=1.0)), [0.76], [0.78, 1.29], [1.31]),
    ("closest, by half", lambda far: nearer(200, far), [301], [200, 299], []),
    ("closest, by a distance", lambda far: nearer(20, far), [77], [76], []),
    ("closest, the other", lambda far: nearer(far, 200), [], [299], [301]),
]  # fmt: skip


@pytest.mark.parametrize(("said", "yes", "perhaps", "no"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_word_holds_on_the_one_side_of_its_margin_and_not_on_the_other(
    said: Callable[[float], Truth], yes: Sequence[float], perhaps: Sequence[float], no: Sequence[float]
) -> None:
    assert [(value, said(value)) for value in yes] == [(value, True) for value in yes]
    assert [(value, said(value)) for value in perhaps] == [(value, None) for value in perhaps]
    assert [(value, said(value)) for value in no] == [(value, False) for value in no]


@pytest.mark.parametrize("word", [name for name in VECTORS if name != "middle"])
def test_regions_and_directions_are_where_they_are_called(word: str) -> None:
    x, y = VECTORS[word]
    there, opposite = thing(500 + 300 * x, 500 + 300 * y), thing(500 - 300 * x, 500 - 300 * y)
    assert (place(word, there), place(word, opposite)) == (True, False)
    assert (tie(word, there), tie(word, opposite)) == (True, False)
    assert (before(word, there, opposite), before(word, opposite, there)) == (True, False)


def test_what_nobody_looked_at_is_borderline() -> None:
    assert RULES.color(thing(500), ("white",)) is None
    assert RULES.shape(thing(500), "round") is RULES.shape(thing(500, aspect=5.0), "slender") is None


def test_size_is_judged_among_what_the_noun_means() -> None:
    """The largest car is no large vehicle, and the smaller truck is one."""
    objects = [SceneObject("car", (0, 0, 9, 9), area) for area in (4.0, 5.0, 12.0)]
    objects += [SceneObject("truck", (0, 0, 9, 9), area) for area in (90.0, 255.0)]
    layout = Layout(100, 100, tuple(objects))
    assert [RULES.size(o, "large", layout, "vehicle") for o in objects] == [False, False, False, True, True]
    assert [RULES.size(o, "large", layout, o.category) for o in objects] == [False, False, True, False, True]


def test_sizes_of_a_mask_and_a_box_compare_only_where_both_measures_agree() -> None:
    slanting, boxed = thing(200, w=60, h=60, area=1200), thing(500, w=60, h=60, boxed=True)
    small, large = thing(700, w=20, h=20, boxed=True), thing(800, w=90, h=90, area=7000)
    mixed, masks = Layout(1000, 1000, (slanting, boxed)), Layout(1000, 1000, (slanting, thing(500, area=3600)))
    assert RULES.size(slanting, "small", mixed, "ship") is RULES.size(boxed, "large", mixed, "ship") is None
    assert RULES.size(slanting, "small", masks, "ship") is True
    assert before("small", slanting, boxed) is before("large", boxed, slanting) is None
    assert RULES.comparison(slanting, "smaller", boxed) is RULES.comparison(boxed, "bigger", slanting) is None
    clear = Layout(1000, 1000, (small, large))
    assert RULES.size(small, "small", clear, "ship") is RULES.size(large, "large", clear, "ship") is True
    assert before("small", small, large) is RULES.comparison(large, "much bigger", small) is True
    assert before("small", large, small) is RULES.comparison(small, "bigger", large) is False
