"""Read a phrase charitably: somebody meant something with it, so find the object it fits best.

People write "the small tank" of two tanks where neither is small by any rule, and mean the smaller. `evaluate` says
nothing there; `resolve` does what a reader does. A lone object of the class is what is meant. Among several, each part
of the phrase narrows the choice unless it would leave nothing, and if a singular phrase still leaves several, the word
that orders them decides ("on the right": the rightmost, "small": the smallest) where the first is clearly ahead.
"""

from __future__ import annotations

import math

from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.program import (
    Comparison,
    Constraint,
    Extreme,
    Position,
    Program,
    Relation,
    Selection,
    Shape,
    Size,
    is_ranking,
)
from rs2sam2.data.language.rrsisd_rules import degree_of
from rs2sam2.data.language.rulebook import rules_for
from rs2sam2.data.language.rules import Rules

AHEAD = 0.01
"""How clearly the best must lead, in image sides for places and in log area / 10 for sizes."""
_TYPICAL_RATIO = {
    "much smaller": 0.35, "slightly smaller": 0.65, "smaller": 0.5, "similar": 1.0,
    "bigger": 2.0, "slightly bigger": 1.5, "much bigger": 2.8,
}  # fmt: skip


def resolve(program: Program, layout: Layout) -> frozenset[int]:
    """The object indices a phrase most likely means: one for a clear singular phrase, several where it stays open.

    Colours and shapes are looked past where the layout does not know them. Empty only where the class is absent.
    """
    return _resolve(program.select, layout, rules_for(program.rules, margin=False))


def _resolve(selection: Selection, layout: Layout, rules: Rules) -> frozenset[int]:
    chosen = set(layout.candidates(selection.category))
    number = selection.quantity if isinstance(selection.quantity, int) else 1
    trusted = sorted(
        selection.where,
        key=lambda c: len(_TRUST) if type(c) not in _TRUST or _nearest(c, number) else _TRUST.index(type(c)),
    )
    # anchors are resolved here, once: they have anchors in turn
    parts = [
        (c, _resolve(c.anchor, layout, rules) if isinstance(c, Relation | Comparison) else frozenset()) for c in trusted
    ]
    for part, anchors in parts:
        if len(chosen) <= 1 and selection.quantity == "one":
            break
        chosen = _narrow(part, anchors, chosen, layout, rules, selection.category, number) or chosen
    if selection.quantity == "one":
        for part, anchors in parts:
            if len(chosen) > 1:
                chosen = _best(part, anchors, chosen, layout)
    return frozenset(chosen)


# Which part to believe first where they contradict each other: measured exceptions are none for positions, 8 % for relations.
_TRUST: list[type] = [Position, Relation, Comparison, Size, Shape]


def _nearest(part: Constraint, number: int) -> bool:
    """Whether a part picks that many by nearness ("the two ships closest to the harbor"); of one, `_best` decides."""
    return number > 1 and isinstance(part, Relation) and is_ranking(part)


def _narrow(
    part: Constraint,
    anchors: frozenset[int],
    chosen: set[int],
    layout: Layout,
    rules: Rules,
    category: str,
    number: int,
) -> set[int]:
    """Those of `chosen` that a part of the phrase allows; parts that cannot be judged allow all."""
    match part:
        case Position(region, far):
            return {i for i in chosen if rules.position(layout.objects[i], region, far, layout) is not False}
        case Size(word):
            return {i for i in chosen if rules.size(layout.objects[i], word, layout, category) is not False}
        case Relation() | Comparison():
            if len(anchors) == 1:
                chosen = chosen - anchors or chosen
            if _nearest(part, number):
                others = [layout.objects[a] for a in anchors]
                nearest = sorted(chosen, key=lambda i: -_fit(part, layout.objects[i], others, layout))
                return set(nearest[:number]) if anchors else chosen
            return {i for i in chosen if _related(part, i, anchors, layout, rules)}
        case Extreme(by, rank):
            order = sorted(chosen, key=lambda i: -degree_of(layout.objects[i], by, layout))
            return set(order[rank - 1 : rank - 1 + number])
    return chosen


def _related(part: Constraint, index: int, anchors: frozenset[int], layout: Layout, rules: Rules) -> bool:
    o = layout.objects[index]
    others = [layout.objects[a] for a in anchors if a != index]
    if isinstance(part, Comparison):
        truths = [rules.comparison(o, part.degree, other) for other in others]
    else:
        assert isinstance(part, Relation)
        truths = [rules.relation(o, part.word, other, layout) for other in others]
    wanted = any if part.anchor.quantity in ("one", "some") else all
    return bool(truths) and wanted(truth is not False for truth in truths)


def _best(part: Constraint, anchors: frozenset[int], chosen: set[int], layout: Layout) -> set[int]:
    """The one that fits a part of the phrase best, or all that are too close to it to call."""
    others = [layout.objects[a] for a in anchors]
    scores = {i: _fit(part, layout.objects[i], others, layout) for i in chosen}
    best = max(scores.values())
    return {i for i, score in scores.items() if score >= best - AHEAD}


def _fit(part: Constraint, o: SceneObject, anchors: list[SceneObject], layout: Layout) -> float:
    match part:
        case Position(region, _):
            return degree_of(o, region, layout)
        case Size(word):
            log_area = math.log(max(o.box_area, 1e-9)) / 10
            return log_area if word in ("large", "huge") else -log_area
        case Relation():
            return -min((_apart(o, anchor, layout) for anchor in anchors), default=0.0)
        case Comparison(degree, _):
            ratios = [o.box_area / max(anchor.box_area, 1e-9) for anchor in anchors]
            return -min((abs(math.log(max(r, 1e-9) / _TYPICAL_RATIO[degree])) / 10 for r in ratios), default=0.0)
    return 0.0


def _apart(a: SceneObject, b: SceneObject, layout: Layout) -> float:
    return math.hypot((a.centre[0] - b.centre[0]) / layout.width, (a.centre[1] - b.centre[1]) / layout.height)
