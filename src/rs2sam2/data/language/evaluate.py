"""Run a program on a layout, strictly: what it selects for certain, and what it might select on a generous reading.

Where the two differ, something is borderline (a ship not quite on the left, a gap too small to rank), and the phrase
should not be asked of that image. The builder keeps a phrase only where both are exactly the intended set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.program import (
    Color,
    Comparison,
    Constraint,
    Extreme,
    Position,
    Program,
    Relation,
    Selection,
    Shape,
    Size,
)
from rs2sam2.data.language.rulebook import rules_for
from rs2sam2.data.language.rules import Rules, Truth, both

BARELY_VISIBLE, MOSTLY_VISIBLE = 0.02, 0.5
"""An object cut by a crop counts as gone at or below the first share left, as an object from the second on."""


@dataclass(frozen=True)
class Extension:
    """The object indices a program selects: surely (`certain`) and at most (`possible`, which includes them)."""

    certain: frozenset[int]
    possible: frozenset[int]

    @property
    def settled(self) -> bool:
        """Whether nothing is borderline."""
        return self.certain == self.possible


NOTHING = Extension(frozenset(), frozenset())


def evaluate(program: Program, layout: Layout, rules: Rules | None = None) -> Extension:
    """What a program selects on a layout, with the margins of its rules (or of other rules given)."""
    return _select(program.select, layout, rules or rules_for(program.rules))


def execute(program: Program, layout: Layout) -> frozenset[int] | None:
    """The object indices a program selects (empty for nothing), or None where the answer is borderline."""
    extension = evaluate(program, layout)
    return extension.certain if extension.settled else None


def recrop(
    program: Program, layout: Layout, areas: Iterable[float] | None, box: tuple[float, float, float, float]
) -> frozenset[int] | None:
    """What a program selects in a crop `box` (x1, y1, x2, y2 px) of a layout, as indices into the whole layout.

    The phrase stays true of the crop with exactly these objects as its target (perhaps fewer, others or none); None
    where the crop makes it borderline. `areas`: mask areas inside the crop in px, see `Layout.cropped`.
    """
    cropped, old = layout.cropped(box, None if areas is None else list(areas))
    selected = execute(program, cropped)
    return None if selected is None else frozenset(old[index] for index in selected)


def _select(selection: Selection, layout: Layout, rules: Rules) -> Extension:
    candidates = layout.candidates(selection.category)
    truths: dict[int, Truth] = {}
    for index in candidates:
        o = layout.objects[index]
        if o.visible <= BARELY_VISIBLE:
            continue
        truths[index] = True if o.visible >= MOSTLY_VISIBLE else None
    for constraint in selection.where:
        truths = _narrow(constraint, truths, layout, rules)
    certain = frozenset(i for i, truth in truths.items() if truth)
    possible = frozenset(i for i, truth in truths.items() if truth is not False)
    if isinstance(selection.quantity, int):
        if len(possible) < selection.quantity or len(certain) > selection.quantity:
            return NOTHING
        if certain != possible:
            return Extension(frozenset(), possible)
    return Extension(certain, possible)


def _narrow(constraint: Constraint, truths: dict[int, Truth], layout: Layout, rules: Rules) -> dict[int, Truth]:
    if isinstance(constraint, Extreme):
        return _rank(constraint, truths, layout, rules)
    if isinstance(constraint, Relation | Comparison):
        anchors = _select(constraint.anchor, layout, rules)
        if isinstance(constraint, Relation) and constraint.word == "closest to":
            return _closest(anchors, truths, layout, rules)
        return {
            i: both(t, t is not False and _to_anchor(constraint, i, anchors, layout, rules)) for i, t in truths.items()
        }
    return {i: both(t, t is not False and _alone(constraint, i, layout, rules)) for i, t in truths.items()}


def _alone(constraint: Constraint, index: int, layout: Layout, rules: Rules) -> Truth:
    o = layout.objects[index]
    match constraint:
        case Position(region, far):
            return rules.position(o, region, far, layout)
        case Size(word):
            return rules.size(o, word, layout)
        case Color(names):
            return rules.color(o, names)
        case Shape(word):
            return rules.shape(o, word)
    raise AssertionError(constraint)


def _to_anchor(
    constraint: Relation | Comparison, index: int, anchors: Extension, layout: Layout, rules: Rules
) -> Truth:
    """True if it holds whichever anchor is meant, False if it holds for none; a plural anchor asks all of them."""
    others = anchors.possible - {index}
    if not others:
        return False
    o, truths = layout.objects[index], []
    for other in others:
        anchor = layout.objects[other]
        if isinstance(constraint, Comparison):
            truths.append(rules.comparison(o, constraint.degree, anchor))
        else:
            truths.append(rules.relation(o, constraint.word, anchor, layout))
    if all(truth is False for truth in truths):
        return False
    if constraint.anchor.quantity != "one" and False in truths and anchors.settled:
        return False
    return True if all(truth is True for truth in truths) and anchors.certain - {index} else None


def _closest(anchors: Extension, truths: dict[int, Truth], layout: Layout, rules: Rules) -> dict[int, Truth]:
    if not anchors.possible:
        return dict.fromkeys(truths, False)
    alive = {i: t for i, t in truths.items() if t is not False}
    if len(anchors.possible) > 1 or not anchors.settled or anchors.possible & alive.keys():
        return {i: None if t is not False else False for i, t in truths.items()}
    anchor = layout.objects[next(iter(anchors.possible))]
    return _first(truths, 1, lambda i, j: rules.nearer(layout.objects[i], layout.objects[j], anchor, layout))


def _rank(constraint: Extreme, truths: dict[int, Truth], layout: Layout, rules: Rules) -> dict[int, Truth]:
    objects = layout.objects
    return _first(
        truths, constraint.rank, lambda i, j: rules.ranks_before(objects[i], objects[j], constraint.by, layout)
    )


def _first(truths: dict[int, Truth], rank: int, before: Callable[[int, int], Truth]) -> dict[int, Truth]:
    """Who is number `rank` of those still in; `before(i, j)` says whether i surely comes before j."""
    result: dict[int, Truth] = dict.fromkeys(truths, False)
    alive = {i: t for i, t in truths.items() if t is not False}
    for i, truth in alive.items():
        surely = perhaps = 0
        for j, other in alive.items():
            if j == i:
                continue
            ahead = before(j, i)
            surely += ahead is True and other is True
            perhaps += ahead is not False
            if surely >= rank:
                break
        if surely == perhaps == rank - 1:
            result[i] = truth
        elif surely < rank <= perhaps + 1:
            result[i] = None
    return result
