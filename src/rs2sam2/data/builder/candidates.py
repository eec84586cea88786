"""What could be said about an image: selections worth trying, each then executed on the annotation.

A selection becomes a pair only where it picks its objects for certain and nothing else even possibly (`settled`), so
this module may propose freely: ambiguity and borderline cases fall out by execution, not by cleverness here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from rs2sam2.data.builder.annotated import AnnotatedImage
from rs2sam2.data.language.evaluate import Interpreter
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.lexicon import FEW, NETWORKS, NOT_THINGS, canonical, covers, noun_of
from rs2sam2.data.language.program import (
    DIRECTIONS,
    Color,
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
    kind,
)
from rs2sam2.data.language.rulebook import rules_for
from rs2sam2.data.language.symmetry import VECTORS

SHAPES_OF = {
    "ship": ("slender",), "bridge": ("slender",), "harbor": ("slender",), "parking lot": ("slender",),
    "building": ("slender", "rectangular", "square"), "house": ("slender", "rectangular", "square"),
    "pond": ("slender", "round", "oval"), "swimming pool": ("round", "oval", "rectangular"),
    "field": ("slender", "rectangular", "square", "round"),
}  # fmt: skip
"""Classes whose shape is worth a word, and which: an elongated airplane or a round storage tank says nothing."""
COLORLESS = frozenset(
    {"vegetation", "land", "water", "forest", "farmland", "low vegetation", "tree", "bridge", "harbor"}
)
"""Classes whose colour word would be odd, redundant, or that of the water under them."""
MANY_ANCHORS = 4
MANY_RANKS = 8
"""Nobody counts further than this from an edge; with more objects in a row no ordinals are made."""


@dataclass(frozen=True)
class Candidate:
    """A program that selects exactly these objects of an image, and its phrase kind."""

    program: Program
    targets: frozenset[int]
    kind: str


def candidates(image: AnnotatedImage, style: RuleName) -> list[Candidate]:
    """Everything that can be said of an image beyond doubt and whose objects all have a mask, in a fixed order."""
    reading = Interpreter(image.layout, rules_for(style))
    found = []
    for selection in dict.fromkeys(_proposals(reading, style)):
        if (not image.placed and selection.where) or crowded(selection, image):
            continue
        if not image.counted and any(isinstance(c, Extreme) and c.rank > 1 for c in selection.walk()):
            continue
        extension = reading.run(selection)
        targets = extension.certain
        mass = noun_of(selection.category).mass
        if not targets or not extension.settled or not (mass or (len(targets) == 1) == (selection.quantity == "one")):
            continue
        if any(image.targets[i] is None for i in targets):
            continue
        found.append(Candidate(Program(selection, style), targets, kind(selection)))
        if selection.quantity == "all" and not mass and image.counted and len(targets) <= FEW:
            counted = replace(selection, quantity=len(targets))
            found.append(Candidate(Program(counted, style), targets, kind(counted)))
    return found


def crowded(selection: Selection, image: AnnotatedImage) -> bool:
    """Whether a selection names a class of which the image shows a crowd ("vehicle" also where it is one of cars)."""
    return bool(image.crowded) and any(covers(name, image.crowded) for name in selection.classes())


def _proposals(reading: Interpreter, style: RuleName) -> Iterator[Selection]:
    layout = reading.layout
    for category in sorted({canonical(o.category) for o in layout.objects} - NOT_THINGS):
        members = layout.candidates(category)
        if style == "rrsisd":
            if not noun_of(category).mass:  # the benchmark speaks of one thing at a time
                yield from _rrsisd(category, reading)
        elif noun_of(category).mass:
            yield from _spread(category, "all")
        elif category in NETWORKS:
            yield from _spread(category, "one")
            yield from _spread(category, "all")
        else:
            yield from _singular(category, members, reading)
            if len(members) > 1:
                yield from _groups(category, members, reading)


def _spread(category: str, quantity: Quantity) -> Iterator[Selection]:
    """Land cover and networks: all of it, or what lies in a part of the image."""
    yield Selection(category, quantity)
    for region in DIRECTIONS:  # not the middle: what reaches all over is centred there
        yield Selection(category, quantity, (Position(region),))


def _attributes(category: str, members: list[int], layout: Layout) -> list[Color | Size | Shape]:
    """The colour, size and shape words worth trying for a class in an image."""
    found: list[Color | Size | Shape] = []
    if category not in COLORLESS:
        seen = {name for i in members for name, share in (layout.objects[i].colors or {}).items() if share >= 0.6}
        found += [Color((name,)) for name in sorted(seen)]
    if len(members) > 1:
        found += [Size("small"), Size("large")]
    found += [Shape(word) for word in SHAPES_OF.get(category, ())]
    return found


def _singular(category: str, members: list[int], reading: Interpreter) -> Iterator[Selection]:
    attributes = _attributes(category, members, reading.layout)
    places = [Position(region) for region in VECTORS]
    places += [Position(region, far=True) for region in ("left", "right", "top", "bottom")]
    yield Selection(category)
    for c in [*places, *attributes]:
        yield Selection(category, "one", (c,))
    for attribute, place in product(attributes, places):
        yield Selection(category, "one", (attribute, place))
    for first, second in product(attributes, attributes):
        if isinstance(first, Color) and isinstance(second, Size):
            yield Selection(category, "one", (first, second))
    if len(members) > 1:
        yield from _ranked(category, members, attributes, places)
    for anchor in _anchors(category, reading):
        for word in _relation_words(category, anchor, len(members)):
            yield Selection(category, "one", (Relation(word, anchor),))
            for attribute in attributes:
                yield Selection(category, "one", (attribute, Relation(word, anchor)))


def _ranked(
    category: str, members: list[int], attributes: list[Color | Size | Shape], places: list[Position]
) -> Iterator[Selection]:
    sides = ("left", "right", "top", "bottom")
    orders = [Extreme(by) for by in (*sides, "large", "small")]
    if len(members) > 2:
        orders.append(Extreme("middle"))
        orders.append(Extreme("large", 2))
        if len(members) <= MANY_RANKS:
            orders += [Extreme(side, rank) for side in sides for rank in range(2, min(len(members), 5))]
    for order in orders:
        yield Selection(category, "one", (order,))
        for attribute in attributes:
            if not isinstance(attribute, Size) or order.by in VECTORS:
                yield Selection(category, "one", (attribute, order))
        if order.by in ("large", "small") and order.rank == 1:
            for place in places:
                if not place.far:
                    yield Selection(category, "one", (place, order))


def _groups(category: str, members: list[int], reading: Interpreter) -> Iterator[Selection]:
    wheres: list[tuple[Constraint, ...]] = [()]
    attributes = _attributes(category, members, reading.layout)
    places = [Position(region) for region in VECTORS]
    wheres += [(c,) for c in (*attributes, *places)]
    wheres += list(product(attributes, places))
    wheres += [
        (Relation(word, anchor),)
        for anchor in _anchors(category, reading, own_class=False)
        for word in _relation_words(category, anchor, len(members))
        if word in DIRECTIONS or word == "next to"
    ]
    for where in wheres:
        yield Selection(category, "all", where)


def _anchors(category: str, reading: Interpreter, own_class: bool = True) -> list[Selection]:
    """Objects to relate to: the only one of another class, or one that its place or size singles out."""
    layout = reading.layout
    found: list[Selection] = []
    classes = sorted({canonical(o.category) for o in layout.objects} - NOT_THINGS)
    for other in classes:
        if noun_of(other).mass or (other == category and not own_class):
            continue
        options = [Selection(other)]
        if len(layout.candidates(other)) > 1:
            options = [Selection(other, "one", (Position(region),)) for region in VECTORS]
            options += [Selection(other, "one", (Extreme(by),)) for by in ("large", "small")]
        elif other == category:
            continue
        if other in NETWORKS:
            options = [Selection(other)]
        sure = [s for s in options if _singles_out(s, reading)]
        found += sure[:MANY_ANCHORS]
    return found


def _singles_out(selection: Selection, reading: Interpreter) -> bool:
    extension = reading.run(selection)
    return extension.settled and len(extension.certain) == 1


# What can be in, on or contain what; elsewhere only directions and nearness are said.
_HOLDS = {
    "harbor": ("ship",), "ground track field": ("soccer field", "baseball field"), "airport": ("airplane",),
    "parking lot": ("vehicle", "car", "truck", "bus", "van"), "stadium": ("ground track field", "soccer field"),
}  # fmt: skip
_CARRIES = {"bridge": ("vehicle", "car", "truck", "bus", "van"), "overpass": ("vehicle", "car", "truck", "bus", "van")}


def _relation_words(category: str, anchor: Selection, members: int) -> Iterator[str]:
    yield from DIRECTIONS
    yield "next to"
    if members > 1 and category != anchor.category:
        yield "closest to"
    if category in _HOLDS.get(anchor.category, ()):
        yield "inside"
    if category in _CARRIES.get(anchor.category, ()):
        yield "on"
    if anchor.category in _HOLDS.get(category, ()):
        yield "holding"


def _rrsisd(category: str, reading: Interpreter) -> Iterator[Selection]:
    """The benchmark's own forms: [size] [colour] class [place], or class in a relation to such a phrase."""
    layout = reading.layout
    members = layout.candidates(category)
    seen = {name for i in members for name, share in (layout.objects[i].colors or {}).items() if share >= 0.6}
    colors = [Color((name,)) for name in sorted(seen)]
    sizes = [Size(word) for word in ("tiny", "small", "large", "huge")]
    places = [Position(region) for region in VECTORS]
    shapes = [Shape("slender")] if "slender" in SHAPES_OF.get(category, ()) else []
    yield Selection(category)
    alone: list[Constraint] = [*places, *sizes, *colors, *shapes]
    wheres: list[tuple[Constraint, ...]] = [(c,) for c in alone]
    wheres += [*product(sizes, places), *product(colors, places), *product(colors, sizes), *product(shapes, places)]
    for where in wheres:
        yield Selection(category, "one", where)
    ways: list[tuple[Constraint, ...]] = [(), *((place,) for place in places), *((size,) for size in sizes)]
    for other in sorted({canonical(o.category) for o in layout.objects} - NOT_THINGS):
        for anchor in (Selection(other, "one", way) for way in ways):
            if noun_of(other).mass or not _singles_out(anchor, reading):
                continue
            for word in _relation_words(category, anchor, 1):
                if word != "next to":  # the benchmark knows directions and "in"
                    yield Selection(category, "one", (Relation(word, anchor),))
