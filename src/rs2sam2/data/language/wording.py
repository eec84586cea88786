"""Program -> phrase, in everyday English or in RRSIS-D's wording. The parser reads every phrase made here back.

A program has several wordings ("the plane on the left", "an airplane on the left side of the image"); a random
generator picks one, so the same generator state gives the same phrase.
"""

from __future__ import annotations

import re
from random import Random

from rs2sam2.data.language.lexicon import COUNTS, NETWORKS, RANKS, noun_of
from rs2sam2.data.language.program import (
    CONTACTS,
    Color,
    Comparison,
    Extreme,
    Position,
    Program,
    Relation,
    Selection,
    Shape,
    Size,
    contradiction,
)
from rs2sam2.errors import UsageError

_POST = {
    "left": ("on the left", "on the left side", "on the left side of the image", "on the left of the image"),
    "right": ("on the right", "on the right side", "on the right side of the image", "on the right of the image"),
    "top": ("at the top", "at the top of the image", "in the upper part of the image", "near the top"),
    "bottom": ("at the bottom", "at the bottom of the image", "in the lower part of the image", "near the bottom"),
    "middle": ("in the middle", "in the center", "in the middle of the image", "in the center of the image"),
}
_CORNERS = ("in the {}", "on the {}", "in the {} corner", "in the {} part of the image")
_MOST = {
    "left": ("leftmost",), "right": ("rightmost",), "top": ("topmost", "uppermost"),
    "bottom": ("bottommost", "lowermost"), "large": ("largest", "biggest"), "small": ("smallest",),
    "middle": ("most central",),
}  # fmt: skip
_FURTHEST = {
    "left": ("furthest to the left", "farthest to the left"), "right": ("furthest to the right", "farthest to the right"),
    "top": ("closest to the top",), "bottom": ("closest to the bottom",),
    "middle": ("closest to the center", "closest to the center of the image", "nearest to the middle"),
}  # fmt: skip
_SHAPES = {
    "slender": ("long", "elongated", "narrow"), "round": ("round", "circular"), "oval": ("oval",),
    "rectangular": ("rectangular",), "square": ("square",), "cone frustum": ("frustum of a cone",),
}  # fmt: skip
_RELATIONS = {
    "left": ("to the left of", "on the left of", "left of"),
    "right": ("to the right of", "on the right of", "right of"),
    "top": ("above",), "bottom": ("below",),
    "inside": ("inside", "in", "within"), "on": ("on",), "holding": ("with", "containing"),
    "next to": ("next to", "beside", "close to"), "closest to": ("closest to", "nearest to"),
}  # fmt: skip
_SIZES = {"small": ("small",), "large": ("large", "big"), "tiny": ("tiny",), "huge": ("huge",)}
_COMPARISONS = {
    "much smaller": "much smaller than", "slightly smaller": "slightly smaller than", "smaller": "smaller than",
    "similar": "similar in size to", "bigger": "larger than", "slightly bigger": "slightly larger than",
    "much bigger": "much larger than",
}  # fmt: skip
_RRSISD_COMPARISONS = {
    "much smaller": "much smaller than", "slightly smaller": "a little smaller than", "similar": "similar in size to",
    "slightly bigger": "a little bigger than", "much bigger": "much bigger than",
}  # fmt: skip


COUNTED = 99
"""The largest number that the parser reads."""


def phrase_for(program: Program, random: Random) -> str:
    """One of the wordings of a program, in the style its rules belong to.

    UsageError for a program without words: RRSIS-D's wording has none for groups and superlatives, neither has any for
    two relations of one thing ("next to the harbor above the bridge" would be about the harbor).
    """
    words = _english(program.select, random) if program.rules == "english" else _rrsisd(program.select, random)
    return " ".join(words.split())


def _check(selection: Selection, anchor_of: Relation | Comparison | None) -> None:
    """UsageError where no words say a selection."""
    orders = [c for c in selection.where if isinstance(c, Extreme)]
    number = selection.quantity if isinstance(selection.quantity, int) else 2
    why = contradiction(selection)
    if len(orders) > 1 or sum(isinstance(c, Relation | Comparison) for c in selection.where) > 1:
        why = "it has two rankings or two relations"
    elif not 2 <= number <= COUNTED or any(c.rank > (len(RANKS) if c.by in _SIZES else COUNTED) for c in orders):
        why = f"a number is 2 to {COUNTED}, a rank 1 to {COUNTED}, of the largest or smallest 1 to {len(RANKS)}"
    elif selection.quantity == "some" and not _touched(anchor_of):
        why = f'"some" is for what something is {", ".join(CONTACTS)}'
    if why is not None:
        raise UsageError(f"no phrase asks for {str(selection)[:120]}: {why}")


def _touched(anchor_of: Relation | Comparison | None) -> bool:
    """Whether something is in, on, with or next to it."""
    return isinstance(anchor_of, Relation) and anchor_of.word in CONTACTS


def _english(selection: Selection, random: Random, anchor_of: Relation | Comparison | None = None) -> str:
    _check(selection, anchor_of)
    before: list[str] = []
    after: list[str] = []
    definite = anchor_of is not None or selection.quantity != "one"
    alone = len(selection.where) == 1  # "the upper left ship" is one place, and no two
    spread = noun_of(selection.category).mass or selection.category in NETWORKS
    for c in sorted(selection.where, key=lambda c: isinstance(c, Color)):  # "large white", not "white large"
        match c:
            case Extreme(by, rank):
                definite = True
                first, last = _order(by, rank, random)
                before.insert(0, first)
                after.insert(0, last)
            case Size(word):
                before.append(random.choice(_SIZES[word]))
            case Shape(word):
                before.append(random.choice(_SHAPES[word]))
            case Color(names):
                before.append(" and ".join(names))
            case Position(region, far):
                first, last = _place(region, far, plain=alone and not spread, random=random)
                before.insert(0, first)
                after.append(last)
            case Relation(word, other):
                options = _RELATIONS.get(word) or (f"to the {word} of", f"on the {word} of")
                # not "at the top left of the harbor", nor "on the right next to it", where "right" may be no side
                placed = any(isinstance(c, Position | Extreme) for c in selection.where)
                links = ("that is ", "located ") if placed else ("", "", "", "that is ", "located ")
                link = random.choice(links) if word not in ("holding",) else ""
                if link and selection.quantity != "one":
                    link = "that are "
                after.append(f"{link}{random.choice(options)} {_english(other, random, c)}")
            case Comparison(degree, other):
                link = "that is" if selection.quantity == "one" else "that are"
                after.append(f"{link} {_COMPARISONS[degree]} {_english(other, random, c)}")
    noun = noun_of(selection.category)
    # the canonical name more often than its synonyms; a plural that looks singular would hide the number
    which = 0 if random.random() < 0.6 else random.randrange(len(noun.names))
    if selection.quantity == "some" and noun.plurals[which] == noun.names[which]:
        which = 0  # not "with aircraft"
    singular, plural = noun.names[which], noun.plurals[which]
    modifiers = " ".join(word for word in before if word)
    if noun.mass and selection.quantity == "all" and _touched(anchor_of):
        head = f"all the {modifiers} {singular}"  # "in the water" is in some of it
    else:
        head = _quantified(selection, modifiers, singular, plural, noun.mass, definite, random)
    if noun.mass or head.startswith("every "):
        after = [word.replace("that are ", "that is ") for word in after]
    return " ".join([head, *(word for word in after if word)])


def _order(by: str, rank: int, random: Random) -> tuple[str, str]:
    if rank > 1:
        if by in ("large", "small"):
            return f"{RANKS[rank - 1]} {random.choice(_MOST[by])}", ""
        way = random.choice(("from the {}", "counting from the {}", "from the {}")).format(by)
        if rank > len(RANKS):
            return "", f"number {COUNTS[rank - 1] if rank <= len(COUNTS) else rank} {way}"
        return RANKS[rank - 1], way
    if " " in by:
        return "", f"closest to the {by} corner"
    if by in _FURTHEST and random.random() < 0.35:
        return "", random.choice(_FURTHEST[by])
    return random.choice(_MOST[by]), ""


def _place(region: str, far: bool, plain: bool, random: Random) -> tuple[str, str]:
    """The place as words before or after the noun."""
    if far:
        return "", f"on the far {region}" if region in ("left", "right") else f"at the very {region}"
    if plain and random.random() < 0.2:
        if " " in region:
            return random.choice((region, region.replace("upper", "top").replace("lower", "bottom"))), ""
        if region == "middle":
            return random.choice(("central", "middle")), ""
        return {"top": "upper", "bottom": "lower"}.get(region, region), ""
    if " " in region:
        name = region if random.random() < 0.7 else region.replace("upper", "top").replace("lower", "bottom")
        return "", random.choice(_CORNERS).format(name)
    return "", random.choice(_POST[region])


_AS_YOU = re.compile(r"uni(?![dmnr])|uti|us[eu]|eu|one\b")
"""Beginnings that are written with a vowel and spoken with none: "a utility pole"."""


def _quantified(
    selection: Selection, modifiers: str, singular: str, plural: str, mass: bool, definite: bool, random: Random
) -> str:
    quantity = selection.quantity
    if quantity == "some":
        return f"{modifiers} {plural}".strip()
    if quantity == "one":
        name = f"{modifiers} {singular}".strip()
        if definite or random.random() < 0.8:
            return f"the {name}"
        return f"{'an' if name[0] in 'aeiou' and not _AS_YOU.match(name) else 'a'} {name}"
    if quantity == "all":
        name = f"{modifiers} {singular if mass else plural}".strip()
        if mass or (plural != singular and random.random() < 0.3):
            return random.choice(("the {}", "the {}", "all the {}", "all {}")).format(name) if mass else f"the {name}"
        if random.random() < 0.25 and selection.category not in NETWORKS:
            return f"every {modifiers} {singular}"
        return random.choice(("all {}", "all the {}")).format(name)
    name = f"{modifiers} {plural}".strip()
    if quantity == 2 and random.random() < 0.2:
        return f"both {name}"
    return f"the {COUNTS[quantity - 1] if quantity <= len(COUNTS) else quantity} {name}"


def _rrsisd(selection: Selection, random: Random, anchor: bool = False) -> str:
    if selection.quantity != "one":
        raise UsageError("RRSIS-D's wording has no groups; use the english style")
    _check(selection, None)
    if any(sum(isinstance(c, kind) for c in selection.where) > 1 for kind in (Size, Shape)):
        raise UsageError(f"RRSIS-D's wording has one size and one shape, not as in {str(selection)[:120]}")
    words: list[str] = []
    tail = ""
    for c in selection.where:
        match c:
            case Size(word):
                words.insert(random.randint(0, len(words)), word)
            case Shape(word):
                words.insert(
                    random.randint(0, len(words)),
                    random.choice(("slender", "long")) if word == "slender" else _SHAPES[word][0],
                )
            case Color(names):
                words.append(" and ".join(names))
            case Position(region, far):
                tail += f" on the far {region}" if far else " " + _rrsisd_place(region)
            case Relation(word, other):
                tail += f" is {_rrsisd_relation(word)} {_rrsisd(other, random, anchor=True)}"
            case Comparison(degree, other) if degree in _RRSISD_COMPARISONS:
                tail += f" is {_RRSISD_COMPARISONS[degree]} {_rrsisd(other, random, anchor=True)}"
            case _:
                raise UsageError(f"RRSIS-D's wording has no words for {c}; use the english style")
    name = " ".join([*words, noun_of(selection.category).names[0]])
    # "A airplane", as the benchmark has it
    return f"{'the' if anchor else random.choice(('The', 'A'))} {name}{tail}"


def _rrsisd_place(region: str) -> str:
    return {"middle": "in the middle", "bottom": "at the bottom"}.get(region, f"on the {region}")


def _rrsisd_relation(word: str) -> str:
    fixed = {"top": "above", "bottom": "below", "inside": "in", "holding": "has"}
    return word if word in ("on", "next to", "closest to") else fixed.get(word, f"on the {word} of")
