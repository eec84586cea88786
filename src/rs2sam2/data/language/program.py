"""A phrase's meaning: a noun, how many, and what must hold, as small frozen values that travel as JSON.

    "the two white airplanes at the top"
    {"rules": "english", "select": {"category": "airplane", "quantity": 2,
                                    "where": [{"color": ["white"]}, {"position": "top"}]}}

Constraints hold together; an `Extreme` ("leftmost", "second from the top") ranks what the others leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from rs2sam2.data.language.lexicon import noun_of
from rs2sam2.data.language.symmetry import VECTORS
from rs2sam2.errors import DataError

RuleName = Literal["english", "rrsisd"]
SIZES = ("tiny", "small", "large", "huge")
COLORS = (
    "white", "gray", "black", "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown",
)  # fmt: skip
SHAPES = ("slender", "round", "oval", "rectangular", "square", "cone frustum")
DIRECTIONS = tuple(name for name in VECTORS if name != "middle")
CONTACTS = ("inside", "holding", "on", "next to")
RELATIONS = (*DIRECTIONS, *CONTACTS, "closest to")
EXTREMES = (*VECTORS, "large", "small")
DEGREES = ("much smaller", "slightly smaller", "smaller", "similar", "bigger", "slightly bigger", "much bigger")


@dataclass(frozen=True)
class Position:
    """Lies in a region of the image; `far` for "on the far right"."""

    region: str
    far: bool = False


@dataclass(frozen=True)
class Size:
    """Is of a size, a word of `SIZES`."""

    word: str


@dataclass(frozen=True)
class Color:
    """Is mainly of these colours, words of `COLORS`."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """Is of a shape, a word of `SHAPES`."""

    word: str


@dataclass(frozen=True)
class Relation:
    """Stands in a relation, a word of `RELATIONS`, to what `anchor` selects ("top" is "above")."""

    word: str
    anchor: Selection


@dataclass(frozen=True)
class Comparison:
    """Is of that size, a word of `DEGREES`, compared with what `anchor` selects."""

    degree: str
    anchor: Selection


@dataclass(frozen=True)
class Extreme:
    """Is the first, second, ... in an order, a word of `EXTREMES`: Extreme("left", 2) is "second from the left".

    Where the selection states a number, it is as many from there on: both, in "the two leftmost ships".
    """

    by: str
    rank: int = 1


Constraint = Position | Size | Color | Shape | Relation | Comparison | Extreme
Quantity = int | Literal["one", "some", "all"]
_ORDER = (Color, Size, Shape, Position, Relation, Comparison, Extreme)


def ordered(constraints: Iterable[Constraint]) -> tuple[Constraint, ...]:
    """Constraints in the one order programs keep: one meaning has one program, and rankings come last."""
    return tuple(sorted(constraints, key=lambda c: _ORDER.index(type(c))))


def is_ranking(constraint: Constraint) -> bool:
    """Whether a constraint compares the objects with each other, so that it holds for as many as are asked for."""
    return isinstance(constraint, Extreme) or (isinstance(constraint, Relation) and constraint.word == "closest to")


@dataclass(frozen=True)
class Selection:
    """Objects of a class that meet all constraints; `quantity` is "one", "all" or a stated number.

    An anchor may be "some" as well: the bridge with cars has one of them at least, whatever cars there are elsewhere.
    """

    category: str
    quantity: Quantity = "one"
    where: tuple[Constraint, ...] = ()

    def without(self, *kinds: type) -> Selection:
        """The selection less the constraints of some kinds, in anchors too."""
        kept = tuple(
            replace(c, anchor=c.anchor.without(*kinds)) if isinstance(c, Relation | Comparison) else c
            for c in self.where
            if not isinstance(c, kinds)
        )
        return replace(self, where=kept)

    def walk(self) -> Iterator[Constraint]:
        """Every constraint, those of anchors included."""
        for constraint in self.where:
            yield constraint
            if isinstance(constraint, Relation | Comparison):
                yield from constraint.anchor.walk()

    def classes(self) -> frozenset[str]:
        """The classes that are named: its own and those of its anchors."""
        anchors = (c.anchor.category for c in self.walk() if isinstance(c, Relation | Comparison))
        return frozenset((self.category, *anchors))


@dataclass(frozen=True)
class Program:
    """What a phrase asks for, and under whose rules its words are to be read."""

    select: Selection
    rules: RuleName = "english"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form shown in the module's docstring."""
        return {"rules": self.rules, "select": _selection_to_dict(self.select)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Program:
        """A program from its JSON form; DataError where it is not one."""
        try:
            rules = data["rules"]
            if rules not in ("english", "rrsisd"):
                raise ValueError(f"rules {rules!r}")
            select = _selection_from_dict(data["select"])
            if select.quantity == "some":
                raise ValueError('quantity "some" of what is no anchor')
            return cls(select, rules)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise DataError(
                f"not a phrase program: {str(error)[:80]} in {str(data)[:120]}; see docs/data-builder.md for its form"
            ) from None


def kind(selection: Selection) -> str:
    """The phrase kind that counts and reports use, named after its most telling part.

    One of group, relation, comparison, ordinal, superlative, color, shape, size, position, category; "+" joins a
    position to colour, shape or size.
    """
    parts = {type(c) for c in selection.where}
    if selection.quantity != "one":
        return "group"
    if Relation in parts:
        return "relation"
    if Comparison in parts:
        return "comparison"
    for constraint in selection.where:
        if isinstance(constraint, Extreme):
            return "ordinal" if constraint.rank > 1 else "superlative"
    named = [name for part, name in ((Color, "color"), (Shape, "shape"), (Size, "size")) if part in parts]
    if Position in parts:
        named.append("position")
    return "+".join(named) if named else "category"


def contradiction(selection: Selection) -> str | None:
    """Why no phrase asks for this: no picture can show it, or a ranking does not say how many are meant. None if it may."""
    regions = {c.region for c in selection.where if isinstance(c, Position)}
    if "middle" in regions and len(regions) > 1:
        return "it asks for the middle and for a side"
    ranks = [c.rank if isinstance(c, Extreme) else 1 for c in selection.where if is_ranking(c)]
    if selection.quantity == "one" or not ranks or noun_of(selection.category).mass:
        return None
    if not isinstance(selection.quantity, int):
        return 'a plural that is ranked needs a number ("the two leftmost ships")'
    return None if ranks == [1] else "a number goes with one ranking, and with none but the first"


def _selection_to_dict(selection: Selection) -> dict[str, Any]:
    where: list[dict[str, Any]] = []
    for c in selection.where:
        match c:
            case Position(region, far):
                where.append({"position": region} | ({"far": True} if far else {}))
            case Size(word):
                where.append({"size": word})
            case Color(names):
                where.append({"color": list(names)})
            case Shape(word):
                where.append({"shape": word})
            case Relation(word, anchor):
                where.append({"relation": word, "anchor": _selection_to_dict(anchor)})
            case Comparison(degree, anchor):
                where.append({"comparison": degree, "anchor": _selection_to_dict(anchor)})
            case Extreme(by, rank):
                where.append({"extreme": by, "rank": rank})
    return {"category": selection.category, "quantity": selection.quantity, "where": where}


def _one_of(word: Any, allowed: tuple[str, ...]) -> str:
    if not isinstance(word, str) or word not in allowed:
        raise ValueError(f"{word!r} is none of {', '.join(allowed)}")
    return word


def _constraint_from_dict(entry: Mapping[str, Any]) -> Constraint:
    if "position" in entry:
        return Position(_one_of(entry["position"], tuple(VECTORS)), bool(entry.get("far", False)))
    if "size" in entry:
        return Size(_one_of(entry["size"], SIZES))
    if "color" in entry:
        return Color(tuple(_one_of(name, COLORS) for name in entry["color"]))
    if "shape" in entry:
        return Shape(_one_of(entry["shape"], SHAPES))
    if "relation" in entry:
        return Relation(_one_of(entry["relation"], RELATIONS), _selection_from_dict(entry["anchor"]))
    if "comparison" in entry:
        return Comparison(_one_of(entry["comparison"], DEGREES), _selection_from_dict(entry["anchor"]))
    if "extreme" in entry:
        rank = entry.get("rank", 1)
        if type(rank) is not int or rank < 1:
            raise ValueError(f"rank {rank!r}")
        return Extreme(_one_of(entry["extreme"], EXTREMES), rank)
    raise ValueError(f"constraint {dict(entry)!r}")


def _selection_from_dict(data: Mapping[str, Any]) -> Selection:
    quantity = data["quantity"]
    if quantity not in ("one", "some", "all") and (
        not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1
    ):
        raise ValueError(f"quantity {quantity!r}")
    category = data["category"]
    if not isinstance(category, str) or not category:
        raise ValueError(f"category {category!r}")
    return Selection(category, quantity, ordered(_constraint_from_dict(entry) for entry in data["where"]))
