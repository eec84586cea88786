"""Rewrite phrases and programs when the image is flipped or turned, or say that they cannot be rewritten.

    rewrite_phrase("the ship on the left", "hflip")  ->  "the ship on the right"
    rewrite_phrase("the ship heading north", "hflip")  ->  None

Works on any English, not only on what the parser understands: direction words are replaced where they stand, all else
stays as written, and a phrase with a word whose direction cannot be turned into another word is refused. Flips are
their own inverse on phrases as on programs; quarter turns keep the meaning and may reword ("to the left of": "above").
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from rs2sam2.data.language.places import COMPASS, ENDS, PARTS, SIDES, THE_PICTURE, either
from rs2sam2.data.language.program import Comparison, Constraint, Extreme, Position, Program, Relation, Selection
from rs2sam2.data.language.symmetry import VECTORS, Symmetry, check, swaps_axes, turn_direction, turn_vector

Style = Literal["english", "rrsisd"]

_FAMILY = {"upper": "top", "top": "top", "lower": "bottom", "bottom": "bottom"}
_SIDE, _SIMPLE = either(SIDES), either((*SIDES, *ENDS))
_CORNER = rf"{either(ENDS)}[ -]+{_SIDE}"
_PATTERN = re.compile(
    rf"""
      (?P<stacked>\bon\s+top\s+of\b)(?!\s+{THE_PICTURE})
    | \b(?P<prep>(?:on|to|at|in)\s+the\s+)?(?P<beside>{_SIMPLE})(?:[ -]+hand)?(?:\s+side)?\s+of\b
        (?!\s+{THE_PICTURE})(?!\s+the\s+(?:{_CORNER}|{_SIMPLE})\b\s*(?:$|of\b))
    | \b(?P<vertical>above|below)\b
    | \b(?P<most>{_SIMPLE})[ -]?most\b
    | \b(?P<corner>{_CORNER})\b
    | \b(?:(?P<lead>on|at)(?P<article>\s+the\s+(?:(?:far|very|extreme)\s+)?))?(?P<simple>{_SIMPLE})\b(?![ -]+{_SIDE}\b)
        (?P<part>[ -]+{either(("hand", *PARTS))}\b)?
    | \b(?P<axis>horizontal|vertical)(?P<ly>ly)?\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_COMPASS = re.compile(rf"\b{COMPASS}(?:ern|erly|ernmost|most|bound|wards?)?\b|\b(?-i:[NS][EW])\b", re.I)
_TURNING = re.compile(r"\b(?:counter|anti)?-?clockwise\b", re.I)
_UPRIGHT = re.compile(
    r"\b(?:up|down|upward|downward|upwards|downwards|higher|highest|lowest|under|beneath|underneath)\b", re.I
)
# where something goes or looks: a car that turns left turns right in a mirror, and left however the image is turned
_HEADED = re.compile(
    rf"\b{_SIDE}(?:-?wards?|hand)\b"
    rf"|\b(?:turn|turning|turned|facing|heading|headed|pointing|looking)\s+(?:to(?:wards?)?\s+)?(?:the\s+)?{_SIDE}\b"
    rf"(?!\s+(?:side\s+)?of\b)"
    rf"|\b(?:going|driving|running|moving|sailing|flying)\s+{_SIDE}\b",
    re.I,
)
_LINED_UP = re.compile(r"\b(?:rows?|columns?)\b", re.I)
_NOT_A_SIDE = re.compile(
    r"\bright[ -]+(?:angled?|angles|now|next|away|after|before|in\s+front|behind|beside|by|under|at|turn)\b"
    # after these words it is a side: "the second ship from the right in the picture"
    r"|(?<!the[ ])(?<!far[ ])(?<!from[ ])(?<!on[ ])(?<!at[ ])(?<!to[ ])"
    r"(?<!upper[ -])(?<!lower[ -])(?<!top[ -])(?<!bottom[ -])"
    r"\bright[ -]+(?:above|below|across|on|in|over|near|to\s+the)\b"
    r"|\bleft[ -]+(?:over|behind|alone|turn)\b",
    re.I,
)


def rewrite_phrase(phrase: str, symmetry: Symmetry, style: Style = "english") -> str | None:
    """The phrase that is true of the flipped or turned image wherever this one is true of the image.

    Returns the phrase unchanged where it names no direction, and None where it cannot be rewritten: compass directions,
    "clockwise", "up", rows and columns under quarter turns ... `style` picks the benchmark's prepositions ("on the
    top" / "at the bottom") or English ones. UsageError for an unknown symmetry.
    """
    check(symmetry)
    if symmetry == "identity":
        return phrase
    upright = turn_vector(0, 1, symmetry) != (0, 1)
    mirrored = symmetry in ("hflip", "vflip", "transpose", "antitranspose")
    refused = [_COMPASS, _HEADED, _NOT_A_SIDE]
    refused += [_TURNING] * mirrored + [_UPRIGHT] * upright + [_LINED_UP] * swaps_axes(symmetry)
    if any(words.search(phrase) for words in refused):
        return None
    return _PATTERN.sub(lambda found: _replacement(found, symmetry, style), phrase)


def rewrite_program(program: Program, symmetry: Symmetry) -> Program:
    """The program of the rewritten phrase: directions turned, all else kept. Every program can be rewritten."""
    return replace(program, select=_turn(program.select, check(symmetry)))


def _turn(selection: Selection, symmetry: Symmetry) -> Selection:
    return replace(selection, where=tuple(_turn_constraint(c, symmetry) for c in selection.where))


def _turn_constraint(constraint: Constraint, symmetry: Symmetry) -> Constraint:
    match constraint:
        case Position(region, far):
            return Position(turn_direction(region, symmetry), far)
        case Relation(word, anchor):
            return Relation(turn_direction(word, symmetry) if word in VECTORS else word, _turn(anchor, symmetry))
        case Comparison(degree, anchor):
            return Comparison(degree, _turn(anchor, symmetry))
        case Extreme(by, rank) if by in VECTORS:
            return Extreme(turn_direction(by, symmetry), rank)
    return constraint


def _replacement(found: re.Match[str], symmetry: Symmetry, style: Style) -> str:
    old = found.group(0)
    if found["stacked"]:
        return old
    if found["beside"]:
        new = _beside(found, symmetry, style)
    elif found["vertical"]:
        new = _relation_words("top" if found["vertical"].lower() == "above" else "bottom", symmetry, style)
    elif found["most"]:
        new = old.replace(found["most"], _word(found["most"], symmetry), 1)
    elif found["corner"]:
        new = _corner(found["corner"].lower(), symmetry)
    elif found["axis"]:
        turned = {"horizontal": "vertical", "vertical": "horizontal"}[found["axis"].lower()]
        new = turned + (found["ly"] or "") if swaps_axes(symmetry) else old
    else:
        new = _simple(found, symmetry, style)
    return new[0].upper() + new[1:] if old[0].isupper() else new


def _word(word: str, symmetry: Symmetry) -> str:
    """A one-word direction turned, in its own word family: upper / lower and top / bottom do not mix."""
    turned = turn_direction(_FAMILY.get(word.lower(), word.lower()), symmetry)
    if word.lower() in ("upper", "lower"):
        turned = {"top": "upper", "bottom": "lower"}.get(turned, turned)
    return turned


def _corner(words: str, symmetry: Symmetry) -> str:
    vertical, separator, side = re.split(r"([ -]+)", words)
    turned = turn_direction(f"{'upper' if _FAMILY[vertical] == 'top' else 'lower'} {side}", symmetry)
    new_vertical, new_side = turned.split()
    if vertical in ("top", "bottom"):
        new_vertical = {"upper": "top", "lower": "bottom"}[new_vertical]
    return f"{new_vertical}{separator}{new_side}"


def _beside(found: re.Match[str], symmetry: Symmetry, style: Style) -> str:
    """ "to the left of X": the same words for the other side, "above X" after a quarter turn."""
    side = found["beside"].lower()
    turned = _word(side, symmetry)
    if swaps_axes(symmetry):
        return _relation_words(_FAMILY.get(side, side), symmetry, style)
    start, end = found.span("beside")
    return found.group(0)[: start - found.start()] + turned + found.group(0)[end - found.start() :]


def _relation_words(direction: str, symmetry: Symmetry, style: Style) -> str:
    turned = turn_direction(direction, symmetry)
    if turned in ("top", "bottom"):
        return "above" if turned == "top" else "below"
    return f"{'on' if style == 'rrsisd' else 'to'} the {turned} of"


def _simple(found: re.Match[str], symmetry: Symmetry, style: Style) -> str:
    """ "on the left", "the left ship", "from the top", "at the top edge"."""
    word, part = found["simple"].lower(), found["part"] or ""
    turned = _word(word, symmetry)
    if not found["lead"]:
        return turned + part
    lead = found["lead"].lower()
    if not part:
        # an idiomatic preposition stays idiomatic, an odd one odd, so that turning back restores the phrase
        idiom = lead == _idiom(word, style)
        lead = _idiom(turned, style) if idiom else {"on": "at", "at": "on"}[_idiom(turned, style)]
    return lead + found["article"] + turned + part


def _idiom(word: str, style: Style) -> str:
    if word in ("left", "right") or (style == "rrsisd" and word == "top"):
        return "on"
    return "at"
