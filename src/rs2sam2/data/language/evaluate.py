"""Run a program on a layout, strictly: what it selects for certain, and what it might select on a generous reading.

Where the two differ, something is borderline (a ship not quite on the left, a gap too small to rank), and the phrase
should not be asked of that image. The builder keeps a phrase only where both are exactly the intended set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rs2sam2.data.language.layout import Layout, SceneObject
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
    is_ranking,
)
from rs2sam2.data.language.rulebook import rules_for
from rs2sam2.data.language.rules import Rules, Truth

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


Bits = tuple[int, int]
"""Two sets of objects as the bits of two numbers: what is surely in, and what is possibly in (which includes the first)."""


def evaluate(program: Program, layout: Layout, rules: Rules | None = None) -> Extension:
    """What a program selects on a layout, with the margins of its rules (or of other rules given)."""
    return Interpreter(layout, rules or rules_for(program.rules)).run(program.select)


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


class Interpreter:
    """Runs selections on one layout under one set of rules. What it found is remembered: many phrases ask the same.

    Three-valued "and" is a bitwise one on either set: sure of both, and possible for both.
    """

    def __init__(self, layout: Layout, rules: Rules) -> None:
        self.layout, self.rules = layout, rules
        self._there: dict[str, Bits] = {}
        self._anchors: dict[Selection, Bits] = {}
        self._holds: dict[tuple[Constraint, str], Bits] = {}
        self._ranked: dict[tuple[Constraint, int, Bits], Bits] = {}
        self._before: dict[tuple[str, int, int], Truth] = {}

    def run(self, selection: Selection) -> Extension:
        """What a selection picks."""
        certain, possible = self._select(selection)
        sure = frozenset(_members(certain))
        return Extension(sure, sure if certain == possible else frozenset(_members(possible)))

    def _select(self, selection: Selection) -> Bits:
        certain, possible = self._all(selection.category)
        number = selection.quantity if isinstance(selection.quantity, int) else 1
        for constraint in selection.where:
            sure, perhaps = self._narrow(constraint, selection.category, number, (certain, possible))
            certain, possible = certain & sure, possible & perhaps
        if isinstance(selection.quantity, int):
            if possible.bit_count() < selection.quantity or certain.bit_count() > selection.quantity:
                return 0, 0
            if certain != possible:
                return 0, possible
        return certain, possible

    def _all(self, category: str) -> Bits:
        """The objects of a class, as far as they are in the picture."""
        if category not in self._there:
            self._there[category] = _bits(
                (i, True if visible >= MOSTLY_VISIBLE else None)
                for i in self.layout.candidates(category)
                if (visible := self.layout.objects[i].visible) > BARELY_VISIBLE
            )
        return self._there[category]

    def _narrow(self, constraint: Constraint, category: str, number: int, alive: Bits) -> Bits:
        """Those for which a constraint holds; who is first depends on who is still in, all else on the class alone."""
        if isinstance(constraint, Extreme | Relation) and is_ranking(constraint):
            if (constraint, number, alive) not in self._ranked:
                self._ranked[constraint, number, alive] = self._rank(constraint, number, alive)
            return self._ranked[constraint, number, alive]
        if (constraint, category) not in self._holds:
            self._holds[constraint, category] = self._among(constraint, category)
        return self._holds[constraint, category]

    def _among(self, constraint: Constraint, category: str) -> Bits:
        objects = self._all(category)[1]
        if isinstance(constraint, Relation | Comparison):
            anchors = self._anchor(constraint.anchor)
            return _bits((i, self._to_anchor(constraint, i, anchors)) for i in _members(objects))
        return _bits((i, self._alone(constraint, self.layout.objects[i], category)) for i in _members(objects))

    def _alone(self, constraint: Constraint, o: SceneObject, category: str) -> Truth:
        match constraint:
            case Position(region, far):
                return self.rules.position(o, region, far, self.layout)
            case Size(word):
                return self.rules.size(o, word, self.layout, category)
            case Color(names):
                return self.rules.color(o, names)
            case Shape(word):
                return self.rules.shape(o, word)
        raise AssertionError(constraint)

    def _anchor(self, selection: Selection) -> Bits:
        if selection not in self._anchors:
            self._anchors[selection] = self._select(selection)
        return self._anchors[selection]

    def _to_anchor(self, constraint: Relation | Comparison, index: int, anchors: Bits) -> Truth:
        """True if it holds whichever anchor is meant, False if it holds for none.

        Several anchors are all asked; of "some" it takes one that is surely there.
        """
        objects, (certain, possible) = self.layout.objects, anchors
        truths: dict[int, Truth] = {}
        for other in _members(possible & ~(1 << index)):
            if isinstance(constraint, Comparison):
                truths[other] = self.rules.comparison(objects[index], constraint.degree, objects[other])
            else:
                truths[other] = self.rules.relation(objects[index], constraint.word, objects[other], self.layout)
        if all(truth is False for truth in truths.values()):
            return False
        if constraint.anchor.quantity == "some":
            return True if any(truth and certain >> other & 1 for other, truth in truths.items()) else None
        if constraint.anchor.quantity != "one" and False in truths.values() and certain == possible:
            return False
        return True if all(truths.values()) and certain & ~(1 << index) else None

    def _rank(self, constraint: Extreme | Relation, number: int, alive: Bits) -> Bits:
        """Who is number `rank` in an order, or nearest to the anchor; so many of them where a number is asked for."""
        objects, layout = self.layout.objects, self.layout
        if isinstance(constraint, Extreme):
            by = constraint.by

            def before(i: int, j: int) -> Truth:
                if (by, i, j) not in self._before:
                    self._before[by, i, j] = self.rules.ranks_before(objects[i], objects[j], by, layout)
                return self._before[by, i, j]

            return _first(alive, constraint.rank, number, before)
        certain, possible = self._anchor(constraint.anchor)
        if not possible:
            return 0, 0
        if possible.bit_count() > 1 or certain != possible or possible & alive[1]:
            return 0, alive[1]
        anchor = objects[next(_members(possible))]
        return _first(alive, 1, number, lambda i, j: self.rules.nearer(objects[i], objects[j], anchor, layout))


def _first(alive: Bits, rank: int, number: int, before: Callable[[int, int], Truth]) -> Bits:
    """The `number` from `rank` on of those still in; `before(i, j)` says whether i surely comes before j."""
    certain, possible = alive
    last = rank + number - 1
    others = [(j, bool(certain >> j & 1)) for j in _members(possible)]
    found: list[tuple[int, Truth]] = []
    for i, _ in others:
        surely = perhaps = 0
        for j, sure in others:
            if j == i:
                continue
            ahead = before(j, i)
            surely += ahead is True and sure
            perhaps += ahead is not False
            if surely >= last:
                break
        if rank - 1 <= surely and perhaps < last:
            found.append((i, True))
        elif surely < last and rank <= perhaps + 1:
            found.append((i, None))
    return _bits(found)


def _bits(truths: Iterable[tuple[int, Truth]]) -> Bits:
    certain = possible = 0
    for i, truth in truths:
        if truth is not False:
            possible |= 1 << i
            if truth:
                certain |= 1 << i
    return certain, possible


def _members(bits: int) -> Iterator[int]:
    """The objects of a set, in order."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
